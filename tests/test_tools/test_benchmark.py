import json
import runpy
import sys

import toys

import mmreviewkd.benchmark


def test_folder_of_the_numbers_is_made(tmp_path, monkeypatch):
    """Else they would be lost after all is measured."""
    measured = dict(median=1.5)
    monkeypatch.setattr(mmreviewkd.benchmark, 'benchmark', lambda *_, **__: measured)
    monkeypatch.setattr(mmreviewkd.benchmark, 'table', str)
    config = tmp_path / 'config.py'
    config.touch()
    out = tmp_path / 'new' / 'numbers.json'
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', str(config), '--out', str(out)])
    script = toys.CONFIGS.parent / 'tools' / 'benchmark.py'
    runpy.run_path(str(script), run_name='__main__')
    (found,) = json.loads(out.read_text())
    assert found['config'] == 'config' and found['result'] == measured
