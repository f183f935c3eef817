import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import toys
from coco_sets import save_as
from mmengine.config import Config
from mmengine.structures import InstanceData
from pycocotools import mask as coco_mask

from mmreviewkd.datasets import pseudo_labels
from mmreviewkd.datasets.pseudo_labels import classes_of, write_pseudo_labels
from mmreviewkd.errors import UsageError
from mmreviewkd.teachers.weights import Weights

CLASSES = ('a', 'b', 'c')
TOOL = Path(__file__).resolve().parents[2] / 'tools/pseudo_labels.py'
# Scores as float32, as detectors give them.
FOUND = [
    ([2.0, 3.0, 12.0, 23.0], 0, 0.75),
    ([20.0, 20.0, 30.0, 40.0], 2, 0.5),
    ([5.0, 5.0, 9.0, 9.0], 2, 0.25),
    ([5.0, 5.0, 5.5, 9.0], 0, 0.9),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'more/deep').mkdir(parents=True)
    for name in ('0.png', '1.png', 'deep/2.png'):
        save_as('plain', tmp_path / 'more' / name, 64, 96)
    return tmp_path / 'more'


def config():
    return Config(
        dict(
            default_scope='mmdet',
            model=toys.detector(),
            test_dataloader=dict(
                dataset=dict(
                    pipeline=[
                        dict(type='LoadImageFromFile'),
                        dict(type='Resize', scale=(48, 32), keep_ratio=True),
                        dict(type='LoadAnnotations', with_bbox=True),
                        dict(
                            type='PackDetInputs',
                            meta_keys=('ori_shape', 'img_shape', 'scale_factor'),
                        ),
                    ]
                )
            ),
        )
    )


@pytest.fixture
def teacher(tmp_path):
    """A checkpoint that names its classes."""
    path = toys.save_teacher(toys.detector(), tmp_path / 'teacher.pth')
    content = torch.load(path)
    content['meta'] = dict(dataset_meta=dict(classes=CLASSES))
    torch.save(content, path)
    return path


@pytest.fixture
def detector(monkeypatch):
    """A detector that finds the same on each image but the second."""

    class Detector:
        seen = 0

        def test_step(self, batch):
            for sample in batch['data_samples']:
                rows = [] if self.seen == 1 else FOUND
                self.seen += 1
                sample.pred_instances = InstanceData(
                    bboxes=torch.tensor([row[0] for row in rows]).reshape(-1, 4),
                    labels=torch.tensor([row[1] for row in rows], dtype=torch.long),
                    scores=torch.tensor([row[2] for row in rows]),
                )
                if self.with_masks:
                    masks = torch.zeros(len(rows), 64, 96, dtype=torch.bool)
                    masks[:, 4:6, 8:13] = True
                    sample.pred_instances.masks = masks
            return batch['data_samples']

    detector = Detector()
    detector.with_masks = False
    from mmengine.registry import init_default_scope

    def load(cfg, checkpoint):
        init_default_scope('mmdet')
        return detector

    monkeypatch.setattr('mmreviewkd.inference.load_detector', load)
    name_classes(monkeypatch, CLASSES)
    return detector


def name_classes(monkeypatch, classes):
    """Let the checkpoint name these classes."""
    monkeypatch.setattr(
        pseudo_labels, 'read_weights', lambda path: Weights({}, classes)
    )


def test_confident_predictions_become_annotations(detector, folder, tmp_path):
    out = tmp_path / 'out.json'
    counts = write_pseudo_labels(config(), 't.pth', folder, out, 0.5, CLASSES, 2)
    assert counts == (3, 2, dict(a=2, b=0, c=2))
    coco = json.loads(out.read_text())
    assert coco['info'] == dict(folder=str(folder), score_thr=0.5)
    # The second image, without any, is not there.
    assert [one['file_name'] for one in coco['images']] == ['0.png', 'deep/2.png']
    assert (coco['images'][0]['height'], coco['images'][0]['width']) == (64, 96)
    assert [one['name'] for one in coco['categories']] == list(CLASSES)
    assert coco['annotations'][:2] == [
        dict(category_id=1, bbox=[2, 3, 10, 20], area=200, iscrowd=0, score=0.75, id=1,
             image_id=1),
        dict(category_id=3, bbox=[20, 20, 10, 20], area=200, iscrowd=0, score=0.5, id=2,
             image_id=1),
    ]  # fmt: skip
    assert [one['id'] for one in coco['annotations']] == [1, 2, 3, 4]
    assert coco['annotations'][2]['image_id'] == 2
    assert str(counts) == (
        '4 pseudo labels on 2 of 3 images:\n  a: 2\n  b: 0\n  c: 2\n'
        'without any, left unlabelled: 1 image'
    )
    assert classes_of(out) == CLASSES


def test_one_threshold_for_each_class(detector, folder, tmp_path):
    each = dict(a=0.8, b=0.5, c=0.25)
    counts = write_pseudo_labels(config(), 't', folder, tmp_path / 'o.json', each)
    assert counts.instances == dict(a=0, b=0, c=4)


def test_masks(detector, folder, tmp_path):
    detector.with_masks = True
    write_pseudo_labels(config(), 't.pth', folder, tmp_path / 'o.json', 0.7)
    (first, *_) = json.loads((tmp_path / 'o.json').read_text())['annotations']
    mask = coco_mask.decode(first['segmentation'])
    assert first['area'] == 10
    assert np.argwhere(mask).tolist() == [[y, x] for y in (4, 5) for x in range(8, 13)]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(score_thr=0.99), 'no prediction on the 3 images'),
        (dict(score_thr=1.5), 'between 0 and 1'),
        (dict(score_thr=dict(a=0.5, b=0.5)), 'no threshold is given for c'),
        (dict(score_thr=dict.fromkeys('abcd', 0.5)), 'given for d, no class'),
        (dict(classes=('a', 'c', 'b')), 'in their order'),
    ],
)
def test_refusals(detector, folder, tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message):
        write_pseudo_labels(config(), 't', folder, tmp_path / 'o.json', **arguments)
    assert not (tmp_path / 'o.json').exists()


def test_checkpoint_without_names(detector, folder, tmp_path, monkeypatch):
    """Its classes are those of the labelled data, not MMDetection's guess: COCO's."""
    name_classes(monkeypatch, None)
    cfg, out = config(), tmp_path / 'o.json'
    cfg.model.roi_head.bbox_head.num_classes = 3
    counts = write_pseudo_labels(cfg, 't', folder, out, 0.5, CLASSES)
    assert counts.instances == dict(a=2, b=0, c=2)
    assert classes_of(out) == CLASSES
    out.unlink()
    with pytest.raises(UsageError, match='does not name its classes; name them by'):
        write_pseudo_labels(cfg, 't', folder, out, 0.5)
    with pytest.raises(UsageError, match='has 3 classes, but the labelled data 2: a'):
        write_pseudo_labels(cfg, 't', folder, out, 0.5, ('a', 'b'))
    assert not out.exists()


def test_command_with_a_real_detector(teacher, folder, tmp_path, monkeypatch, capsys):
    """Boxes are those of the images as they are, not as the teacher sees them."""
    cfg = config()
    cfg.model.test_cfg.rcnn.update(score_thr=0.0, max_per_img=5)
    cfg.dump(tmp_path / 'teacher.py')
    out = tmp_path / 'out.json'
    monkeypatch.setattr(
        sys,
        'argv',
        ['pseudo_labels.py', str(tmp_path / 'teacher.py'), teacher, str(folder)]
        + [str(out), '--score-thr', 'a=1e-6', 'b=1e-6', 'c=1e-6'],
    )
    runpy.run_path(str(TOOL), run_name='__main__')
    coco = json.loads(out.read_text())
    assert len(coco['annotations']) > 1
    assert (coco['images'][0]['height'], coco['images'][0]['width']) == (64, 96)
    right = [one['bbox'][0] + one['bbox'][2] for one in coco['annotations']]
    assert 48 < max(right) <= 96
    assert f'written to {out}' in capsys.readouterr().out


@pytest.mark.parametrize('given', ['high', 'a=high', '0.5 a=0.5'])
def test_command_refuses_other_thresholds(monkeypatch, given):
    read = runpy.run_path(str(TOOL))['read_thresholds']
    with pytest.raises(Exception, match='give one number, such as 0.7') as error:
        read(given.split())
    assert type(error.value).__name__ == 'UsageError'
    assert read(['0.6']) == 0.6
    assert read(['a=b=0.5']) == {'a=b': 0.5}
