import runpy
from pathlib import Path

import cv2
import pytest
import torch
import toys
from coco_sets import write_coco
from mmengine.config import Config
from runs import small_run

from mmreviewkd.attention.command import draw_attention

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path):
    """A config of a distillation run, and a checkpoint of it."""
    data = write_coco(tmp_path / 'data', names=('a', 'b', 'c'))
    cfg = small_run('reviewkd_frcnn.py', data)
    cfg.model = toys.distilled(toys.save_teacher(toys.detector(), tmp_path / 't.pth'))
    torch.manual_seed(0)
    state = toys.build(cfg.model).state_dict()
    meta = dict(dataset_meta=dict(classes=('a', 'b', 'c')))
    torch.save(dict(state_dict=state, meta=meta), tmp_path / 'epoch_1.pth')
    return cfg


def test_pictures_and_page(run, tmp_path, monkeypatch):
    run.dump(tmp_path / 'config.py')
    images = sorted((tmp_path / 'data/images').iterdir())[:2]
    monkeypatch.setattr(
        'sys.argv',
        ['attention.py', str(tmp_path / 'config.py'), str(tmp_path / 'epoch_1.pth')]
        + [*map(str, images), '--out-dir', str(tmp_path / 'out')]
        + ['--plain', str(tmp_path / 'epoch_1.pth')],
    )
    runpy.run_path(str(ROOT / 'tools/attention.py'), run_name='__main__')
    out = tmp_path / 'out'
    pictures = sorted(out.glob('*.png'))
    assert [path.stem for path in pictures] == [
        f'{number}_{path.stem}' for number, path in enumerate(images)
    ]
    # Three detectors and two kinds of attention; a column more than levels.
    height, width, _ = cv2.imread(str(pictures[0])).shape
    assert 0.6 < height / width < 1.1
    page = (out / 'attention.html').read_text()
    assert page.count('src="data:image/png;base64,') == 2


def test_config_of_no_distillation():
    with pytest.raises(ValueError, match='nothing attends'):
        draw_attention(Config(dict(model=dict(type='FasterRCNN'))), 'a', [], 'out')
