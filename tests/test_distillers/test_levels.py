import copy

import numpy as np
import pytest
import toys
from mmengine.config import ConfigDict

from mmreviewkd.distillers import resolve_model_config
from mmreviewkd.distillers.levels import level_channels, level_strides, match_levels

P2_TO_P6 = [4, 8, 16, 32, 64]
P3_TO_P7 = [8, 16, 32, 64, 128]


def stock(name):
    return resolve_model_config(f'mmdet::{name}.py')


def with_strides(strides, **changes):
    return ConfigDict(
        neck=dict(type='FPN', out_channels=4, num_outs=len(strides)),
        rpn_head=dict(anchor_generator=dict(strides=strides)),
        **changes,
    )


@pytest.mark.parametrize(
    'name, strides',
    [
        ('faster_rcnn/faster-rcnn_r50_fpn_1x_coco', P2_TO_P6),
        ('cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco', P2_TO_P6),
        ('retinanet/retinanet_r50_fpn_1x_coco', P3_TO_P7),
        ('fcos/fcos_r50-caffe_fpn_gn-head_1x_coco', P3_TO_P7),
        ('atss/atss_r50_fpn_1x_coco', P3_TO_P7),
        ('gfl/gfl_r50_fpn_1x_coco', P3_TO_P7),
        ('yolo/yolov3_d53_8xb8-320-273e_coco', [32, 16, 8]),
        ('rtmdet/rtmdet_tiny_8xb32-300e_coco', [8, 16, 32]),
        ('detr/detr_r50_8xb2-150e_coco', None),
    ],
)
def test_strides_of_stock_detectors(name, strides):
    assert level_strides(stock(name)) == strides


@pytest.mark.parametrize(
    'neck, channels',
    [
        (dict(type='PAFPN', out_channels=8, num_outs=5), [8] * 5),
        (dict(type='YOLOV3Neck', out_channels=[512, 256, 128]), [512, 256, 128]),
        ([dict(type='FPN', out_channels=8, num_outs=5), dict(type='BFP')], [8] * 5),
    ],
)
def test_channels(neck, channels):
    assert level_channels(ConfigDict(neck=neck), 'student') == channels


@pytest.mark.parametrize('who, field', [('student', 'in'), ('teacher', 'out')])
def test_unknown_channels(who, field):
    detector = ConfigDict(neck=dict(type='Odd', out_channels=8))
    with pytest.raises(
        ValueError, match=f"{who}'s neck Odd .* distillation.{field}_chann"
    ):
        level_channels(detector, who)


@pytest.mark.parametrize(
    'student, teacher, levels, expected',
    [
        (P2_TO_P6, P2_TO_P6, None, [(i, i) for i in range(5)]),
        # YOLOv3 lists its levels from the coarsest.
        ([8, 16, 32], [32, 16, 8], None, [(0, 2), (1, 1), (2, 0)]),
        (P3_TO_P7, P2_TO_P6, [8, 16, 32, 64], [(0, 1), (1, 2), (2, 3), (3, 4)]),
        (P2_TO_P6, P3_TO_P7, [16, 8], [(1, 0), (2, 1)]),
        ([4, 8], [3, 6], [(1, 1), (0, 0)], [(0, 0), (1, 1)]),
    ],
)
def test_matching(student, teacher, levels, expected):
    pairs = match_levels(with_strides(student), with_strides(teacher), levels)
    assert pairs == expected


def test_unknown_strides():
    unknown = ConfigDict(neck=dict(type='FPN'))
    assert match_levels(unknown, with_strides(P2_TO_P6)) is None
    assert match_levels(unknown, unknown, [(1, 2)]) == [(1, 2)]
    with pytest.raises(ValueError, match=r'(?s)student: unknown.*teacher: \[4, 8, 16'):
        match_levels(unknown, with_strides(P2_TO_P6), [8, 16])


@pytest.mark.parametrize(
    'student, teacher, levels, hint',
    [
        (P3_TO_P7, P2_TO_P6, None, r'set model.levels to \[8, 16, 32, 64\]'),
        (P3_TO_P7, P2_TO_P6, [4, 8], r'set model.levels to \[8, 16, 32, 64\]'),
        ([4, 8], [3, 6], None, 'none in common: name pairs'),
    ],
)
def test_levels_without_counterpart(student, teacher, levels, hint):
    with pytest.raises(ValueError, match=hint) as error:
        match_levels(with_strides(student), with_strides(teacher), levels)
    for strides in (student, teacher):
        assert str(strides) in str(error.value)


@pytest.mark.parametrize('who', ['student', 'teacher'])
def test_detector_without_neck(who):
    detectors = dict(student=toys.detector(), teacher=toys.detector())
    detectors[who].neck = None
    with pytest.raises(ValueError, match=f'the {who} FasterRCNN has no neck'):
        match_levels(**detectors)


def test_fuzzed_configs_fit_or_are_refused():
    """Random values in random places; every error is a sentence, not a crash."""
    sound = ConfigDict(
        student=with_strides(P3_TO_P7), teacher=with_strides(P2_TO_P6), levels=[8, 16]
    ).to_dict()
    values = [None, True, -1, 0, 2.5, '', 'x', [], {}, [[]], [1, 'x'], [[1, 2, 3]]]
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(3000):
        config = copy.deepcopy(sound)
        for _ in range(rng.integers(1, 4)):
            parent = config
            while True:
                keys = list(parent) if isinstance(parent, dict) else range(len(parent))
                key = keys[rng.integers(len(keys))]
                inner = parent[key]
                if not isinstance(inner, dict | list) or not inner:
                    break
                if rng.random() < 0.2:
                    break
                parent = inner
            parent[key] = copy.deepcopy(values[rng.integers(len(values))])
        config = ConfigDict(config)
        try:
            student, teacher = (
                resolve_model_config(dict(config[who], type='A'))
                if isinstance(config[who], dict)
                else resolve_model_config(config[who])
                for who in ('student', 'teacher')
            )
            match_levels(student, teacher, config.levels)
            level_channels(student, 'student')
        except (ValueError, FileNotFoundError) as error:
            assert len(str(error)) > 20
            refused += 1
    assert 300 < refused < 2900
