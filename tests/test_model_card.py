import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import toys
from coco_sets import save_as
from mmengine.config import Config
from runs import small_run
from work_dirs import step, write_session

from mmreviewkd.datasets import add_unlabeled
from mmreviewkd.distillers import publish_student
from mmreviewkd.model_card import logged_metrics, write_model_card


@pytest.fixture(scope='module')
def published(tmp_path_factory):
    """A folder with a published student and its card."""
    folder = tmp_path_factory.mktemp('published')
    cfg = small_run('reviewkd_frcnn.py', folder / 'secret' / 'shapes')
    cfg.model = toys.distilled(None)
    model = toys.build(cfg.model)
    meta = dict(dataset_meta=dict(classes=('a|b', 'c', 'd')))
    checkpoint = folder / 'epoch_2.pth'
    torch.save(dict(state_dict=model.state_dict(), meta=meta), checkpoint)
    publish_student(cfg, str(checkpoint), folder / 'out')
    metrics = {'coco/bbox_mAP': 0.1234, 'coco/segm_mAP': -1}
    card = write_model_card(folder / 'out', cfg, checkpoint, metrics)
    return cfg, checkpoint, card


def test_card_says_what_the_model_is(published):
    text = published[2].read_text()
    assert '# FasterRCNN, 3 classes' in text
    assert r'| Classes | 3: a\|b, c, d |' in text
    assert '| Training data | data/shapes/annotations/instances_train.json |' in text
    assert '| Teacher | FasterRCNN with ResNet-18 |' in text
    assert 'FeatureDistillation (ReviewConnector, HCLLoss, loss_weight 1)' in text
    assert '| Box AP | 12.3 |' in text and 'Mask AP' not in text
    assert 'secret' not in text and '&' not in text
    assert text.endswith('\n')
    number = sum(p.numel() for p in toys.build(toys.detector()).parameters())
    assert f'| Parameters | {number / 1e6:.2f} million |' in text


def test_card_says_where_ap_is_not_known(published, tmp_path):
    cfg, checkpoint, card = published
    for file in card.parent.glob('student.*'):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    text = write_model_card(tmp_path, cfg, checkpoint).read_text()
    assert 'AP is not known' in text and '| Box AP' not in text


@pytest.mark.parametrize(
    'inherited, start',
    [
        ((), 'its own'),
        (('neck', 'bbox_head'), "neck, bbox_head from the teacher's weights"),
        ('auto', "the teacher's weights where they fit"),
    ],
)
def test_card_says_where_the_student_started(published, inherited, start):
    cfg, checkpoint, card = published
    cfg = copy.deepcopy(cfg)
    cfg.model.inherit = inherited
    text = write_model_card(card.parent, cfg, checkpoint).read_text()
    assert f'| Start | {start} |' in text


def test_card_says_how_many_images_were_used(published):
    cfg, checkpoint, card = published
    metrics = {'coco/bbox_mAP': 0.1}
    whole = write_model_card(card.parent, cfg, checkpoint, metrics).read_text()
    assert 'instances_train.json |' in whole and 'on the validation images' in whole
    cfg = copy.deepcopy(cfg)
    cfg.train_dataloader.dataset.indices = 64
    cfg.val_dataloader.dataset.indices = [0, 2]
    text = write_model_card(card.parent, cfg, checkpoint, metrics).read_text()
    assert 'instances_train.json (64 of its images) |' in text
    assert 'on 2 of the validation images of that data.' in text


def test_card_names_unlabelled_images(published, tmp_path):
    cfg, checkpoint, card = published
    for file in card.parent.glob('student.*'):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / 'more').mkdir()
    save_as('plain', tmp_path / 'more' / '0.png')
    cfg = cfg.copy()
    add_unlabeled(cfg, tmp_path / 'more')
    text = write_model_card(tmp_path, cfg, checkpoint).read_text()
    assert 'instances_train.json; images without annotations: more |' in text


def test_metrics_of_the_checkpoints_own_evaluation(tmp_path):
    points = [
        step(4, loss=1.0),
        {'coco/bbox_mAP': 0.1, 'step': 1},
        step(8, loss=1.0),
        {'coco/bbox_mAP': 0.2, 'step': 2},
    ]
    write_session(tmp_path, '20260101_000000', points)
    assert logged_metrics(tmp_path / 'epoch_1.pth')['coco/bbox_mAP'] == 0.1
    assert logged_metrics(tmp_path / 'epoch_2.pth')['coco/bbox_mAP'] == 0.2
    assert logged_metrics(tmp_path / 'epoch_3.pth') == {}
    assert logged_metrics(tmp_path / 'best.pth') == {}
    assert logged_metrics(tmp_path / 'elsewhere' / 'epoch_1.pth') == {}


def test_snippet_runs_where_nothing_was_imported(published):
    """As a user would, in a new process; the config alone asks for this package."""
    folder = published[2].parent
    cv2.imwrite(str(folder / 'image.jpg'), np.full((48, 64, 3), 90, np.uint8))
    (code,) = re.findall(r'```python\n(.*?)```', published[2].read_text(), re.DOTALL)
    assert 'mmreviewkd' not in code
    code += 'import json; print(json.dumps(list(result.ori_shape)))'
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code],
        cwd=folder,
        env={'PYTHONPATH': str(root), 'PATH': '', 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [48, 64]


def test_config_can_be_read_without_this_package(published):
    """MMEngine passes over it with a warning."""
    text = (published[2].parent / 'student.py').read_text()
    text = text.replace("'mmreviewkd'", "'not_installed_here'")
    with pytest.warns(UserWarning, match='not_installed_here.*ignored'):
        cfg = Config.fromstring(text, '.py')
    toys.build(cfg.model)
