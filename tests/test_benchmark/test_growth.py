import runpy

import toys
from mmengine.config import Config

from mmreviewkd.benchmark import growth as module


def test_tool(tmp_path, monkeypatch, capsys):
    package = 'mmreviewkd.benchmark.growth'
    monkeypatch.setattr(f'{package}.SIZES', ((128, 128), (128, 160)))
    monkeypatch.setattr(f'{package}.BATCHES', (2,))
    monkeypatch.setattr(f'{package}.LEVELS', ((8, 16),))
    monkeypatch.setattr(f'{package}.MID_CHANNELS', (4,))
    Config(dict(model=toys.distilled(None))).dump(tmp_path / 'config.py')
    monkeypatch.setattr(
        'sys.argv',
        f'tool {tmp_path}/config.py {tmp_path}/plot.png --rounds 1'.split(),
    )
    runpy.run_path(
        str(toys.CONFIGS.parent / 'tools' / 'benchmark_growth.py'), run_name='__main__'
    )
    table = capsys.readouterr().out
    for row in ('image size: 128x160', 'images in a step: 2', 'levels: 2'):
        assert f'| {row} | ' in table
    assert (tmp_path / 'plot.png').read_bytes().startswith(b'\x89PNG')


def test_variants_change_one_thing():
    variants = list(module._variants())
    assert len(variants) == sum(
        map(len, (module.SIZES, module.BATCHES, module.LEVELS, module.MID_CHANNELS))
    )
    assert all(
        bool(changes) ^ (what in ('image size', 'images in a step'))
        for what, _, changes, _ in variants
    )
