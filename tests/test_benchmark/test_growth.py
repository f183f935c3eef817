import runpy

import toys
from mmengine.config import Config

from mmreviewkd.benchmark import growth as module

EXAMPLE = Config.fromfile(toys.CONFIGS / 'reviewkd_frcnn_r101_r18.py')


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
        assert f'| {row} ' in table
    assert (tmp_path / 'plot.png').read_bytes().startswith(b'\x89PNG')


def test_variants_change_one_thing_and_share_their_base(monkeypatch):
    measured = []
    monkeypatch.setattr(
        f'{module.__name__}.benchmark',
        lambda cfg, **arguments: measured.append((cfg, arguments)) or len(measured),
    )
    result = module.measure_growth(EXAMPLE, say=lambda _: None)
    sizes, batches, levels, channels = (
        list(values.values()) for values in result.values()
    )
    base = sizes[1]
    assert batches[0] == levels[-1] == base
    assert len(measured) == len({*sizes, *batches, *levels, *channels})
    for number, (cfg, arguments) in enumerate(measured, 1):
        differs = [
            arguments['size'] != module.SIZES[1],
            arguments['batch_size'] != 1,
            cfg.model.get('levels') is not None,
            'mid_channels' in cfg.model.distillation.connector,
        ]
        assert sum(differs) == (number != base)
