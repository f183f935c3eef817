"""Connectors and losses know PyTorch alone."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / 'mmreviewkd'
FILES = [*PACKAGE.glob('connectors/*.py'), *PACKAGE.glob('losses/*.py')]
ALLOWED = {'torch', *sys.stdlib_module_names}


def imported(nodes):
    """The packages that are imported, other than one's own."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.split('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split('.')[0]
        elif isinstance(node, ast.ImportFrom):
            # Relative, and within the package.
            assert node.level == 1, ast.unparse(node)


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_imports(path):
    tree = ast.parse(path.read_text())
    assert {*imported(tree.body)} <= ALLOWED
    # What its loss needs is imported where it is built.
    late = {'torchdistill'} if path.name == 'torchdistill.py' else set()
    assert {*imported(ast.walk(tree))} - ALLOWED == late
