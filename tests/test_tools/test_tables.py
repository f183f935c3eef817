"""``tools/tables.py`` as typed."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from results_of import by_seed

from mmreviewkd.results.file import write_results
from mmreviewkd.results.results import Results

SCRIPT = Path(__file__).resolve().parents[2] / 'tools' / 'tables.py'


@pytest.fixture
def call(monkeypatch):
    def run(*args):
        monkeypatch.setattr('sys.argv', ['tables.py', *map(str, args)])
        return runpy.run_path(str(SCRIPT))['main']()

    return run


@pytest.fixture
def files(tmp_path):
    paths = []
    for epochs in (4, 8):
        runs = dict(teacher=by_seed(0.5), student=by_seed(0.3), a=by_seed(0.4))
        about = dict(data=dict(name='bccd'), epochs=dict(student=epochs))
        paths.append(tmp_path / f'{epochs}.json')
        write_results(Results(runs), paths[-1], about)
    return paths


def test_tables_and_curves(call, files, tmp_path, capsys):
    assert call(*files, '--curves', tmp_path / 'curves.png', '--methods', 'a') == 0
    names = ['4.md', '4.png', '8.md', '8.png', 'curves.png']
    assert capsys.readouterr().out.split() == [str(tmp_path / name) for name in names]
    assert all((tmp_path / name).is_file() for name in names)


def test_errors(call, files, tmp_path, capsys):
    assert call(tmp_path / 'none.json') == 2
    assert 'error: ' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        call(*files, '--methods', 'a')
    assert '--methods needs --curves PNG' in capsys.readouterr().err


def test_help_imports_nothing_heavy():
    script = (
        'import runpy, sys\n'
        "sys.argv = ['tables.py', '--help']\n"
        'try:\n'
        f"    runpy.run_path({str(SCRIPT)!r}, run_name='__main__')\n"
        'except SystemExit as end:\n'
        '    assert not end.code\n'
        "assert not {'torch', 'mmengine', 'numpy', 'matplotlib'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
