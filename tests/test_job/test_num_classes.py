import pytest
import toys
from mmengine.config import ConfigDict

from mmreviewkd.job import JobError
from mmreviewkd.job.num_classes import set_num_classes
from mmreviewkd.num_classes import num_classes

# One of each family that keeps its classes in a place of its own.
FAMILIES = {
    'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py': ['roi_head.bbox_head'],
    'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py': [
        'roi_head.bbox_head',
        'roi_head.mask_head',
    ],
    'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py': [
        f'roi_head.bbox_head.{stage}' for stage in range(3)
    ],
    'retinanet/retinanet_r50_fpn_1x_coco.py': ['bbox_head'],
    'rtmdet/rtmdet_tiny_8xb32-300e_coco.py': ['bbox_head'],
    'yolox/yolox_s_8xb8-300e_coco.py': ['bbox_head'],
    'detr/detr_r50_8xb2-150e_coco.py': ['bbox_head'],
    'dino/dino-4scale_r50_8xb2-12e_coco.py': ['bbox_head'],
    'solo/solo_r50_fpn_1x_coco.py': ['mask_head'],
    'sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco.py': [
        f'roi_head.bbox_head.{stage}' for stage in range(6)
    ],
    'ssd/ssd300_coco.py': ['bbox_head'],
}


def part_of(model, path):
    for name in path.split('.'):
        model = model[int(name) if name.isdigit() else name]
    return model


@pytest.mark.parametrize('name', FAMILIES)
def test_heads_of_all_families(name):
    model = toys.resolve(f'mmdet::{name}')
    assert num_classes(model) == 80
    set_num_classes(model, 3)
    assert num_classes(model) == 3
    for path in FAMILIES[name]:
        assert part_of(model, path).num_classes == 3


def test_other_classes_stay():
    model = ConfigDict(
        type='A',
        backbone=dict(num_classes=1000),
        rpn_head=dict(num_classes=1),
        bbox_head=dict(num_classes=80),
        roi_head=dict(semantic_head=dict(num_classes=183)),
    )
    set_num_classes(model, 2)
    assert model.backbone.num_classes == 1000
    assert model.rpn_head.num_classes == 1
    assert model.roi_head.semantic_head.num_classes == 183
    assert model.bbox_head.num_classes == 2


def instances(stuff=0, weights=(1.0, 1.0, 0.1)):
    head = dict(
        num_things_classes=2,
        num_stuff_classes=stuff,
        loss_cls=dict(class_weight=list(weights)),
    )
    return ConfigDict(type='Mask2Former', panoptic_head=head)


def test_weights_of_classes():
    model = instances()
    set_num_classes(model, 3)
    assert model.panoptic_head.num_things_classes == 3
    assert model.panoptic_head.loss_cls.class_weight == [1.0, 1.0, 1.0, 0.1]


@pytest.mark.parametrize(
    'model, message',
    [
        (instances(stuff=53), '53 classes of it are no objects'),
        (instances(weights=(1.0, 2.0, 0.1)), 'different weights for the classes'),
    ],
)
def test_what_cannot_be_fitted(model, message):
    with pytest.raises(JobError, match=message):
        set_num_classes(model, 3)
