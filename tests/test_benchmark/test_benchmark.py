import json
import runpy

import pytest
import toys
from mmengine.config import Config
from mmengine.model import BaseModel

from mmreviewkd.benchmark import benchmark, table
from mmreviewkd.benchmark.benchmark import PARTS


@pytest.mark.parametrize('kind', ['frcnn', 'mrcnn'])
def test_all_parts_are_measured(kind):
    cfg = Config(dict(model=toys.distilled('unread.pth', kind, levels=[8, 16])))
    result = benchmark(cfg, (64, 96), 2, rounds=2, warmup=0, say=lambda _: None)
    assert list(result) == list(PARTS)
    for row in result.values():
        assert len(row['values']) == 2 and min(row['values']) > 0
        assert row['peak_mib'] > 0
    assert result['student step']['ratio'] == 1.0
    whole = result['distilled step']['peak_mib']
    assert whole > result['student step']['peak_mib']
    assert len(table(result).splitlines()) == 2 + len(PARTS)


def test_the_student_does_the_same_work_alone_and_distilled(monkeypatch):
    """The same weights, so the same proposals."""
    losses = []
    parse = BaseModel.parse_losses

    def note(self, values):
        loss, log = parse(self, values)
        losses.append({name: log[name].item() for name in ('loss_cls', 'loss_bbox')})
        return loss, log

    monkeypatch.setattr(BaseModel, 'parse_losses', note)
    cfg = Config(dict(model=toys.distilled(None)))
    # All proposals are learned from: no choice at random.
    cfg.model.student.train_cfg.rcnn.sampler.num = 10000
    benchmark(cfg, (64, 96), 1, rounds=1, warmup=0, say=lambda _: None)
    alone, distilled = losses[:2]
    assert alone == pytest.approx(distilled, rel=1e-4)
    assert alone['loss_bbox'] > 0


def test_tool(tmp_path, monkeypatch, capsys):
    Config(dict(model=toys.distilled(None))).dump(tmp_path / 'config.py')
    monkeypatch.setattr(
        'sys.argv',
        f'benchmark.py {tmp_path}/config.py --size 64 64 --batch 2 --rounds 1 '
        f'--operators --out {tmp_path}/out.json'.split(),
    )
    runpy.run_path(
        str(toys.CONFIGS.parent / 'tools' / 'benchmark.py'), run_name='__main__'
    )
    printed = capsys.readouterr().out
    assert '| distilled step: training step with the' in printed
    assert '| operator | student step | teacher | connector and loss |' in printed
    assert list(json.loads((tmp_path / 'out.json').read_text())) == list(PARTS)
