"""Every command and code block in README and docs is run or built."""

import ast
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import toys
from mmdet.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from packaging.requirements import Requirement

import mmreviewkd
from mmreviewkd.config_file import read_config
from mmreviewkd.datasets.class_names import class_names, parts
from mmreviewkd.preflight.fields import check_fields
from mmreviewkd.preflight.findings import Findings
from mmreviewkd.preflight.heads import check_heads

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *(ROOT / name for name in ('README.md', 'CONTRIBUTING.md')),
    *sorted((ROOT / 'configs').rglob('README.md')),
    *sorted((ROOT / 'docs').glob('*.md')),
]
EXAMPLE = ROOT / 'configs' / 'reviewkd_frcnn_r101_r18.py'
# What commands may call beside python, pip and the scripts of the repository.
INSTALLED = {
    'mmreviewkd-distill': 'tools/distill.py',
    'mmreviewkd-compare': 'tools/compare.py',
}
PROGRAMS = ('pytest', 'ruff', 'mypy', 'sphinx-build', 'ghp-import')


def blocks(language):
    """All code blocks of a language, by page and number."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding='utf-8')
        texts = re.findall(rf'^```{language}\n(.*?)^```$', text, re.M | re.S)
        name = page.relative_to(ROOT)
        found += [pytest.param(t, id=f'{name}-{i}') for i, t in enumerate(texts)]
    assert found
    return found


def inline(pattern):
    """All code within sentences that matches, by page."""
    found = []
    for page in PAGES:
        text = re.sub(r'^```.*?^```$', '', page.read_text(), flags=re.M | re.S)
        codes = [' '.join(code.split()) for code in re.findall(r'`([^`]+)`', text)]
        name = page.relative_to(ROOT)
        found += [
            pytest.param(code, id=f'{name}-{code}')
            for code in dict.fromkeys(codes)
            if re.fullmatch(pattern, code)
        ]
    assert found
    return found


def test_languages():
    """No block escapes."""
    for page in PAGES:
        fences = re.findall(r'^```(.*)$', page.read_text(encoding='utf-8'), re.M)
        assert {*fences[1::2]} <= {''}, page
        known = {'', 'bash', 'python', 'text', '{toctree}', '{eval-rst}', '{image}'}
        known |= {'{literalinclude}'}
        assert {fence.split(' ')[0] for fence in fences[::2]} <= known, page


def headings(page):
    """The anchors that a page has, as GitHub and MyST name them."""
    text = re.sub(r'^```.*?^```$', '', page.read_text(), flags=re.M | re.S)
    for heading in re.findall(r'^#+ (.+)$', text, re.M):
        yield re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page):
    """Each has a text to click on, and leads to a file of the repository."""
    text = re.sub(r'^```.*?^```$', '', page.read_text(), flags=re.M | re.S)
    for words, target in re.findall(r'\[([^\]]*)\]\(([^)\s]+)\)', text):
        assert words, target
        if '://' in target:
            continue
        path, _, anchor = target.partition('#')
        file = page.parent / path if path else page
        assert file.is_file(), target
        assert not anchor or anchor in headings(file), target


# Commands


@pytest.fixture
def calls(tmp_path):
    """Run a script in bash, where every program only notes how it was called."""
    log = tmp_path / 'calls'
    note = (
        f'#!{sys.executable} -IS\n'
        'import json, sys\n'
        f'with open({str(log)!r}, "a") as log:\n'
        '    log.write(json.dumps(sys.argv) + "\\n")\n'
    )
    for name in ('python', 'pip', 'srun', *INSTALLED, *PROGRAMS):
        (tmp_path / name).write_text(note)
    # Everything in the environment, without making it.
    (tmp_path / 'bash').write_text(
        '#!/bin/bash\n'
        'if [ "$1" = tools/in_venv.sh ]; then shift; exec "$@"; fi\n'
        'if [ "$1" = .ci/run ]; then exec /bin/bash -n "$1"; fi\n'
        'exec /bin/bash "$@"\n'
    )
    for path in tmp_path.iterdir():
        path.chmod(0o755)

    def run(script):
        script = script.replace('source .venv/bin/activate', ':')
        subprocess.run(
            ['/bin/bash', '-euc', script],
            cwd=ROOT,
            env=os.environ | dict(PATH=f'{tmp_path}:/usr/bin:/bin'),
            check=True,
        )
        calls = log.read_text().splitlines() if log.is_file() else []
        return [[Path(c[0]).name, *c[1:]] for c in map(json.loads, calls)]

    return run


class Parsed(Exception):
    """What a script has understood of its arguments."""


@pytest.fixture
def parse(monkeypatch):
    """Have a script of tools/ parse its arguments, and no more."""
    original = ArgumentParser.parse_args

    def parse_args(self, *args):
        raise Parsed(original(self, *args))

    def parse(script, *args) -> Namespace:
        monkeypatch.setattr(ArgumentParser, 'parse_args', parse_args)
        monkeypatch.setattr('sys.argv', [script, *args])
        with pytest.raises(Parsed) as parsed:
            runpy.run_path(str(ROOT / script), run_name='__main__')
        return parsed.value.args[0]

    return parse


def check(call, parse):
    """Check one call of a program."""
    program, *args = call
    if program == 'srun':
        check(args[args.index('python') :], parse)
    elif program in INSTALLED:
        parse(INSTALLED[program], *args)
    elif program == 'pip':
        check_pip(args)
    elif program == 'python' and args[0] == '-c':
        for line in ast.parse(args[1]).body:
            if isinstance(line, ast.Import | ast.ImportFrom):
                exec(ast.unparse(line), {})
    elif program == 'python':
        # The launchers begin with flags of their own.
        (number,) = [i for i, arg in enumerate(args) if arg.endswith('.py')][:1]
        script = Path(args[number])
        assert script.parent.name == 'tools'
        understood = parse(f'tools/{script.name}', *args[number + 1 :])
        for path in [
            getattr(understood, 'config', ''),
            *vars(understood).get('configs', []),
        ]:
            if path.startswith('configs/'):
                assert (ROOT / path).is_file()
    else:
        assert program in PROGRAMS


def check_pip(args):
    command, *rest = args
    assert command in ('install', 'uninstall', 'wheel')
    if rest[0] == '-r':
        lines = (ROOT / rest[1]).read_text().splitlines()
        rest = [line for line in lines if line and not line.startswith('#')]
    for requirement in rest:
        if requirement.startswith('.'):
            # The package itself, with extras.
            requirement = 'mmreviewkd' + requirement[1:]
        # A wheel of it.
        wheel = f'dist/mmreviewkd-{mmreviewkd.__version__}-py3-none-any.whl'
        requirement = requirement.replace(wheel, 'mmreviewkd')
        assert requirement.startswith('-') or Requirement(requirement)


@pytest.mark.parametrize('script', blocks('bash'))
def test_commands(script, calls, parse):
    found = calls(script)
    lines = script.replace('\\\n', '').splitlines()
    none = ('#', 'export ', 'source ', 'bash .ci/run')
    assert len(found) == sum(not line.startswith(none) for line in lines)
    for call in found:
        check(call, parse)


@pytest.mark.parametrize('command', inline(r'(?:python|bash|pip|tools/\S+) .+'))
def test_commands_within_sentences(command, calls, parse):
    found = calls(re.sub(r'^(tools/\w+\.py)', r'python \1', command))
    assert found
    for call in found:
        check(call, parse)


@pytest.mark.parametrize('path', inline(r'(?:tools|mmreviewkd|tests|configs)/[\w./-]+'))
def test_files_that_are_named(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize(
    'line',
    [
        pytest.param(line, id=str(number))
        for number, line in enumerate(
            (ROOT / 'docs/trust.md').read_text().splitlines(), start=1
        )
        if 'test_' in line
    ],
)
def test_tests_that_are_named(line):
    """Of the page on faults; a name alone is one of a file of the same line."""
    names = re.findall(r'(?<=`)(?:\w+/)*test_\w+(?:\.py|/)?(?:::\w+)?(?=`)', line)
    paths = [ROOT / 'tests' / name.split('::')[0] for name in names if '.' in name]
    assert all(path.is_file() for path in paths)
    texts = '\n'.join(path.read_text() for path in paths)
    for name in names:
        if name.endswith('/'):
            assert (ROOT / 'tests' / name).is_dir()
        elif not name.endswith('.py'):
            assert f'def {name.split("::")[-1]}(' in texts, name


# Configs and code


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmdet')


@cache
def example() -> Config:
    return Config.fromfile(EXAMPLE)


def build_with(options: dict) -> torch.nn.Module:
    """Build the example's model with some changes."""
    cfg = example().copy()
    cfg.merge_from_dict(options)
    return build(cfg.model)


def build(model: dict) -> torch.nn.Module:
    """Build a model without its numbers, of which there may be millions."""
    with torch.device('meta'):
        return toys.build(model)


def check_field(name, value):
    """Build what a field of a config stands for."""
    if name == 'model':
        # A model in full has to be one by itself; others are changes of the example.
        in_full = value.get('type') == 'DistilledModel'
        assert build(value) if in_full else build_with(dict(model=value))
    elif name == 'custom_hooks':
        assert [HOOKS.build(hook) for hook in value]
    elif name == 'train_dataloader':
        steps = [s for s in value['dataset']['pipeline'] if s is not ...]
        assert [TRANSFORMS.build(step) for step in steps]
    elif name == 'visualizer':
        assert {b['type'] for b in value['vis_backends']} <= {
            'LocalVisBackend',
            'TensorboardVisBackend',
        }
    else:
        assert isinstance(value, str), name


def check_data(cfg):
    """Build what a whole config says of its data, but for the files."""
    classes = {}
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        # A misspelt field; MMDetection's own configs have one more.
        assert set(cfg[loader]) <= {*example()[loader], 'pin_memory'}
        for _, part in parts(cfg[loader].dataset, loader):
            dataset = DATASETS.build(dict(part, lazy_init=True))
            assert dataset.pipeline.transforms
            classes[loader] = class_names(dataset)
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        if 'ann_file' not in evaluator:
            assert METRICS.build(evaluator)
    found = Findings()
    check_fields(cfg, found)
    check_heads(cfg.model, classes['train_dataloader'], found)
    assert not found.problems


def is_compare(code):
    """Whether a block is a script with the arguments of tools/compare.py."""
    return code.endswith('\ncompare()\n')


def is_file(code):
    """Whether a block is a file of the page on methods, with its name above."""
    return re.match(r'# \w+\.py\n', code)


@pytest.mark.parametrize(
    'code', [block for block in blocks('python') if is_compare(block.values[0])]
)
def test_comparisons_in_another_way(code, tmp_path):
    (tmp_path / 'script.py').write_text(code)
    done = subprocess.run(
        [sys.executable, 'script.py', '--help'],
        cwd=tmp_path,
        env=os.environ | dict(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert '--methods FILE' in done.stdout


@pytest.mark.parametrize(
    'code', [block for block in blocks('python') if not is_file(block.values[0])]
)
def test_python(code, tmp_path, monkeypatch):
    body = ast.parse(code).body
    if code.startswith('_base_'):
        # As if it lay beside the configs that it names.
        path = tmp_path / 'config.py'
        path.write_text(code.replace("'../", f"'{ROOT}/configs/"))
        cfg = Config.fromfile(path)
        assert build(cfg.model)
        check_data(cfg)
    elif all(isinstance(line, ast.Assign) for line in body):
        names: dict = {}
        for line in body:
            exec(ast.unparse(line), names)
            name = line.targets[0].id
            check_field(name, names[name])
    else:
        # That it works is tested where such files are: here, that the names exist.
        for line in body:
            if isinstance(line, ast.Import | ast.ImportFrom):
                exec(ast.unparse(line), {})


@pytest.mark.parametrize(
    'option', inline(r'--cfg-options .+'), ids=lambda option: option
)
def test_options_within_sentences(option, parse):
    args = parse('tools/train.py', str(EXAMPLE), *shlex.split(option))
    assert build(read_config(str(EXAMPLE), args.cfg_options).model)


def test_loss_of_contributing():
    text = (ROOT / 'CONTRIBUTING.md').read_text()
    (code,) = re.findall(r'^```python\n(.*?)^```$', text, re.M | re.S)
    try:
        exec(code, dict(MODELS=MODELS, F=F))
        (config,) = re.findall(r'`(distillation=dict\(loss=[^`]+)`', text)
        model = toys.distilled(None)
        changes = eval(f'dict({config})')['distillation']
        model['distillation'] |= changes
        assert toys.build(model).distillation[0].loss_weight == 2.0
    finally:
        MODELS.module_dict.pop('L1DistillLoss', None)
