"""What the configuration reference shows, which is made from docstrings."""

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import mmreviewkd

ROOT = Path(mmreviewkd.__file__).parent
PACKAGES = re.findall(
    r'automodule:: ([\w.]+)', (ROOT.parent / 'docs' / 'reference.md').read_text()
)


def documented():
    """The classes and functions of the reference."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            yield pytest.param(getattr(module, name), id=f'{package}.{name}')


@pytest.mark.parametrize('thing', list(documented()))
def test_every_argument_is_described(thing):
    text = inspect.getdoc(thing) or ''
    assert text
    if not callable(thing):
        return
    if inspect.isclass(thing) and thing.__init__ is object.__init__:
        return
    names = [
        name
        for name, one in inspect.signature(thing).parameters.items()
        if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]
    missing = [name for name in names if not re.search(rf'\b{name}\b', text)]
    assert not missing


def test_examples():
    """Every example gives what it says."""
    modules = [
        info.name
        for info in pkgutil.walk_packages([str(ROOT)], 'mmreviewkd.')
        if '>>>' in _source(info.name)
    ]
    assert len(modules) > 5
    for name in modules:
        failed, tried = doctest.testmod(importlib.import_module(name))
        assert tried and not failed, name


def _source(name):
    path = ROOT.parent / name.replace('.', '/')
    path = path / '__init__.py' if path.is_dir() else path.with_suffix('.py')
    return path.read_text(encoding='utf-8')
