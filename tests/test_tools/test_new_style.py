"""The scripts with a config of MMEngine's new style, whose types are classes."""

import runpy

import pytest
import toys
from coco_sets import write_coco
from mmdet.apis import init_detector
from mmengine.config import Config
from new_style import write_new_style
from runs import coco_run

TOOLS = toys.CONFIGS.parent / 'tools'


@pytest.fixture
def tool(monkeypatch):
    def run(script, *args):
        monkeypatch.setattr('sys.argv', [script, *map(str, args)])
        try:
            runpy.run_path(str(TOOLS / script), run_name='__main__')
        except SystemExit as end:
            assert not end.code

    return run


@pytest.fixture
def config(tmp_path):
    data = write_coco(tmp_path / 'data', names=('a', 'b', 'c'), labels=(0, 1, 2))
    cfg = coco_run('reviewkd_frcnn.py', data, ('a', 'b', 'c'))
    cfg.train_dataloader.batch_size = 2
    cfg.model = toys.distilled(toys.save_teacher(toys.detector(), tmp_path / 't.pth'))
    return write_new_style(cfg, tmp_path)


def test_before_training(tool, config, capsys):
    assert not isinstance(Config.fromfile(config).model.type, str)
    tool('preflight.py', config)
    assert 'No problem was found.' in capsys.readouterr().out
    tool('parameters.py', config)
    assert '| `new_style.py` | 0.06 | 0.05 | 0.06 | 0.00 |' in capsys.readouterr().out
    tool('benchmark.py', config, '--size', 64, 64, '--rounds', 1, '--warmup', 0)
    assert 'distilled step' in capsys.readouterr().out


def test_after_training(tool, config, tmp_path, capsys):
    run = tmp_path / 'run'
    tool('train.py', config, '--work-dir', run)
    # The second as MMEngine writes it, with full paths of the classes.
    for number, path in enumerate([config, run / 'new_style.py']):
        out = tmp_path / f'published_{number}'
        tool('publish_student.py', path, run / 'epoch_1.pth', out)
        text = (out / 'student.py').read_text()
        assert "type='FasterRCNN'" in text and "type='CocoDataset'" in text
        assert text.count('mmreviewkd') == 1, 'custom_imports'
        init_detector(str(out / 'student.py'), str(out / 'student.pth'), device='cpu')
    image = tmp_path / 'data/images/10.png'
    out = tmp_path / 'attention'
    tool('attention.py', config, run / 'epoch_1.pth', image, '--out-dir', out)
    assert (out / 'attention.html').is_file()
