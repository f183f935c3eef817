import math
from types import SimpleNamespace

import pytest
import steps
import torch
import toys
from mmdet.models.dense_heads import YOLOXHead
from mmdet.models.roi_heads import CascadeRoIHead
from mmdet.registry import MODELS
from mmengine.config import ConfigDict

from mmreviewkd.detection import DKD, LogitDistillation
from mmreviewkd.detection.logit_distillation import (
    sigmoid_divergence,
    softmax_divergence,
)
from mmreviewkd.features import Feature, FeatureRecorder
from mmreviewkd.losses.dkd import decoupled_divergence
from mmreviewkd.methods import Batch
from mmreviewkd.model_config import resolve_model_config


def probabilities(scores, temperature):
    exps = [math.exp(score / temperature) for score in scores]
    return [value / sum(exps) for value in exps]


def kl(target, pred):
    return sum(p * math.log(p / q) for p, q in zip(target, pred, strict=True))


PREDS = [[1.0, 2.0, -1.0], [0.0, 0.0, 0.0]]
TARGETS = [[3.0, -2.0, 0.5], [4.0, 1.0, -7.0]]


@pytest.mark.parametrize('temperature', [1.0, 3.0])
def test_softmax_by_hand(temperature):
    found = softmax_divergence(*map(torch.tensor, (PREDS, TARGETS)), temperature)
    expected = [
        temperature**2
        * kl(probabilities(target, temperature), probabilities(pred, temperature))
        for pred, target in zip(PREDS, TARGETS, strict=True)
    ]
    assert found.tolist() == pytest.approx(expected)


@pytest.mark.parametrize('temperature', [1.0, 3.0])
def test_sigmoid_by_hand(temperature):
    """A sigmoid is a softmax over the score and 0."""
    found = sigmoid_divergence(*map(torch.tensor, (PREDS, TARGETS)), temperature)
    expected = [
        temperature**2
        * sum(
            kl(probabilities([t, 0], temperature), probabilities([p, 0], temperature))
            for p, t in zip(pred, target, strict=True)
        )
        for pred, target in zip(PREDS, TARGETS, strict=True)
    ]
    assert found.tolist() == pytest.approx(expected)


@pytest.mark.parametrize('divergence', [softmax_divergence, sigmoid_divergence])
def test_scores_of_any_size(divergence):
    """Gradients and values stay finite, and equal scores give 0."""
    torch.manual_seed(0)
    preds, targets = 300 * torch.randn(2, 4, 3)
    loss = divergence(preds.requires_grad_(), targets, 1.0).sum()
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(preds.grad).all()
    assert not divergence(targets, targets, 1.0).any()
    preds, targets = torch.randn(2, 4, 3, dtype=torch.double)
    preds.requires_grad_()
    assert torch.autograd.gradcheck(lambda preds: divergence(preds, targets, 2), preds)


def one_stage(kind='retinanet', **head):
    """A tiny RetinaNet, or what else has such a head."""
    base = dict(
        retinanet='mmdet::_base_/models/retinanet_r50_fpn.py',
        fcos='mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    )[kind]
    head = dict(in_channels=32, feat_channels=32, stacked_convs=1, **head)
    return resolve_model_config(
        ConfigDict(
            _base_=base,
            backbone=dict(depth=18, base_channels=4, stem_channels=4, init_cfg=None),
            neck=dict(in_channels=[4, 8, 16, 32], out_channels=32),
            bbox_head=dict(head, num_classes=3),
        )
    )


def two_stage(classes=3):
    config = toys.detector()
    config.roi_head.bbox_head.num_classes = classes
    return config


def batch(student, teacher, levels=range(5), sides=(16, 8, 4, 2, 1)):
    """Random maps for the heads of detectors with random weights."""
    torch.manual_seed(0)
    detectors = [toys.build(config) for config in (student, teacher)]
    detectors[1].requires_grad_(False)
    for detector in detectors:
        for name, parameter in detector.named_parameters():
            if name.endswith(('fc_cls.weight', 'retina_cls.weight', 'conv_cls.weight')):
                parameter.data.normal_(std=0.3)
    feats, targets = (
        [torch.randn(2, detector.neck.out_channels, side, side) for side in sides]
        for detector in detectors
    )
    student, teacher = detectors
    data = student.data_preprocessor(toys.batch(), training=True)
    feats = tuple(feat.requires_grad_() for feat in feats)
    compared = tuple(Feature('neck', level, 8) for level in levels)
    return Batch(
        feats=tuple(feats[level] for level in levels),
        targets=tuple(targets[level] for level in levels),
        images=data['inputs'],
        data_samples=data['data_samples'],
        student=student,
        teacher=SimpleNamespace(model=teacher),
        student_feats=feats,
        teacher_feats=tuple(targets),
        levels=compared,
        teacher_levels=compared,
    )


ROIS = torch.tensor([[0.0, 2, 2, 30, 30], [1, 8, 0, 40, 20], [1, 0, 0, 64, 48]])


def loss_of(one, rois=ROIS, **kwargs):
    """The loss, after the student's heads have run as they do in training."""
    distillation = kd(**kwargs)
    names = distillation.student_modules(one.student)
    one.recorded = FeatureRecorder(one.student, names)
    with one.recorded:
        if hasattr(one.student, 'roi_head'):
            one.student.roi_head._bbox_forward(one.student_feats, rois)
        else:
            one.student.bbox_head(one.student_feats)
    return distillation(one)['loss']


def kd(**kwargs):
    return LogitDistillation([], [], temperature=2.0, **kwargs)


SOFTMAX = dict(type='CrossEntropyLoss', _delete_=True, loss_weight=1.0)


@pytest.mark.parametrize(
    'config',
    [two_stage(), one_stage(), one_stage(loss_cls=SOFTMAX), one_stage('fcos')],
    ids=['two-stage', 'one-stage', 'softmax', 'points'],
)
def test_learns_until_it_scores_like_the_teacher(config):
    one = batch(config, config)
    loss = loss_of(one)
    assert loss > 0
    loss.backward()
    assert any(feat.grad is not None and feat.grad.any() for feat in one.student_feats)
    assert any(p.grad is not None for p in one.student.parameters())

    one.student.load_state_dict(one.teacher.model.state_dict())
    one.student_feats, one.feats = one.teacher_feats, one.targets
    assert loss_of(one) == 0


def test_proposals_get_scores_of_both_heads():
    one = batch(two_stage(), two_stage())
    preds, targets = (
        detector.roi_head.bbox_head(
            detector.roi_head.bbox_roi_extractor(feats[:4], ROIS)
        )[0]
        for detector, feats in (
            (one.student, one.student_feats),
            (one.teacher.model, one.teacher_feats),
        )
    )
    assert preds.shape == (3, 4)
    expected = sum(
        4 * kl(probabilities(target, 2.0), probabilities(pred, 2.0))
        for pred, target in zip(preds.tolist(), targets.tolist(), strict=True)
    )
    assert loss_of(one).item() == pytest.approx(expected / 3, rel=1e-4)


def test_standardised_scores_have_no_range():
    one = batch(two_stage(), two_stage())
    loss = loss_of(one, standardize=True)
    last = one.teacher.model.roi_head.bbox_head.fc_cls
    last.weight.data *= 5
    last.bias.data *= 5
    torch.testing.assert_close(loss_of(one, standardize=True), loss)
    assert not torch.allclose(loss_of(one), loss)


def test_standardised_by_hand():
    """Each row has mean 0 and deviation 1 before the temperature."""
    one = batch(two_stage(), two_stage())
    rows = []
    for detector, feats in (
        (one.student, one.student_feats),
        (one.teacher.model, one.teacher_feats),
    ):
        head = detector.roi_head
        scores = head.bbox_head(head.bbox_roi_extractor(feats[:4], ROIS))[0].tolist()
        for row in scores:
            mean = sum(row) / 4
            deviation = math.sqrt(sum((z - mean) ** 2 for z in row) / 4)
            rows.append(probabilities([(z - mean) / deviation for z in row], 2.0))
    expected = sum(4 * kl(rows[3 + n], rows[n]) for n in range(3)) / 3
    found = loss_of(one, standardize=True).item()
    assert found == pytest.approx(expected, rel=1e-3)


def test_sigmoids_are_not_standardised():
    with pytest.raises(ValueError, match='standardize needs heads with a softmax'):
        loss_of(batch(one_stage(), one_stage()), standardize=True)


@pytest.mark.parametrize('levels', [range(5), (1, 3)])
def test_anchors_count_by_the_teachers_highest_probability(levels):
    one = batch(one_stage(), one_stage(), levels)
    total = weights = 0.0
    preds = one.student.bbox_head(one.student_feats)[0]
    targets = one.teacher.model.bbox_head(one.teacher_feats)[0]
    for level in levels:
        pred, target = (
            # Nine anchors of three classes to a position.
            maps[level].unflatten(1, (9, 3)).transpose(1, 2).flatten(2).double()
            for maps in (preds, targets)
        )
        p, q = (target / 2).sigmoid(), (pred / 2).sigmoid()
        divergence = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
        weight = target.sigmoid().amax(1)
        total += 4 * (divergence.sum(1) * weight).sum().item()
        weights += weight.sum().item()
    assert loss_of(one).item() == pytest.approx(total / weights, rel=1e-4)


def test_anchors_weights_are_summed_over_all_processes(monkeypatch):
    one = batch(one_stage(), one_stage())
    alone = loss_of(one)
    monkeypatch.setattr(
        'mmreviewkd.detection.weighted_mean.reduce_mean', lambda total: 3 * total
    )
    torch.testing.assert_close(3 * loss_of(one), alone)


def test_background_has_no_weight_where_it_is_a_class():
    config = one_stage(loss_cls=SOFTMAX)
    one = batch(config, config, levels=[4])
    pred, target = (
        detector.bbox_head(feats)[0][4].unflatten(1, (9, 4)).transpose(1, 2).flatten(2)
        for detector, feats in (
            (one.student, one.student_feats),
            (one.teacher.model, one.teacher_feats),
        )
    )
    p, q = ((x / 2).softmax(1) for x in (target, pred))
    divergence = 4 * (p * (p / q).log()).sum(1)
    weight = target.softmax(1)[:, :3].amax(1)
    expected = (divergence * weight).sum() / weight.sum()
    torch.testing.assert_close(loss_of(one), expected, rtol=1e-4, atol=0)


def test_no_proposals_give_0():
    loss = loss_of(batch(two_stage(), two_stage()), ROIS[:0])
    loss.backward()
    assert loss == 0


@pytest.mark.parametrize(
    ('student', 'teacher', 'message'),
    [
        (two_stage(), two_stage(5), 'student tells 3 classes apart, the teacher 5'),
        (one_stage(), one_stage('fcos'), r'RetinaHead .* \(6138, .* FCOSHead \(682,'),
        (two_stage(), one_stage(), 'one box head.*; got RetinaNet'),
        (one_stage(), two_stage(), 'two one-stage detectors.*; got FasterRCNN'),
    ],
)
def test_heads_that_cannot_be_compared(student, teacher, message):
    with pytest.raises(ValueError, match=message):
        loss_of(batch(student, teacher))


def test_cascades_are_refused():
    one = batch(two_stage(), two_stage())
    one.teacher.model.roi_head = CascadeRoIHead.__new__(CascadeRoIHead)
    with pytest.raises(ValueError, match='one box head.*; got CascadeRoIHead'):
        loss_of(one)


def test_student_with_several_maps_of_each_image():
    """TridentNet's proposals in training are of three times as many images."""
    torch.manual_seed(0)

    def detector(kind, **fields):
        head = dict(
            type=kind,
            bbox_roi_extractor=dict(
                type='SingleRoIExtractor',
                roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=2),
                out_channels=8,
                featmap_strides=[16],
            ),
            bbox_head=dict(
                type='Shared2FCBBoxHead',
                in_channels=8,
                fc_out_channels=8,
                num_classes=3,
            ),
            **fields,
        )
        return torch.nn.ModuleDict(dict(roi_head=MODELS.build(head)))

    student = detector('TridentRoIHead', num_branch=3, test_branch_idx=1)
    teacher = detector('StandardRoIHead').eval()
    maps = torch.rand(2, 8, 8, 8)
    distillation = LogitDistillation([8], [8])
    recorder = FeatureRecorder(student, distillation.student_modules(student))
    rois = torch.tensor([[float(image), 0, 0, 64, 64] for image in range(6)])
    with recorder:
        student.roi_head._bbox_forward((maps.repeat(3, 1, 1, 1),), rois)
    one = Batch(
        feats=(),
        targets=(),
        images=torch.zeros(2, 3, 128, 128),
        data_samples=[],
        student=student,
        teacher=SimpleNamespace(model=teacher),
        student_feats=(maps.repeat(3, 1, 1, 1),),
        teacher_feats=(maps,),
        recorded=recorder,
    )
    found = distillation(one)['loss']
    # Each branch sees the same maps here, so three times the first two images.
    scores = recorder.call('roi_head.bbox_head').output[0][:2]
    theirs = teacher.roi_head._bbox_forward((maps,), rois[:2])['cls_score']
    expected = softmax_divergence(scores, theirs, distillation.temperature).mean()
    torch.testing.assert_close(found, expected)


def test_yolox_weighs_points_by_class_and_objectness():
    """Its class scores are trained where objects are only."""
    torch.manual_seed(0)
    student, teacher = (
        YOLOXHead(num_classes=3, in_channels=4, feat_channels=4, strides=(8,)).eval()
        for _ in range(2)
    )
    maps = (torch.randn(2, 4, 6, 5),)
    levels = [Feature('neck', 0, 4, 8)]
    one = SimpleNamespace(
        student=SimpleNamespace(bbox_head=student),
        teacher=SimpleNamespace(model=SimpleNamespace(bbox_head=teacher)),
        teacher_feats=maps,
        levels=levels,
        teacher_levels=levels,
        call=lambda name: SimpleNamespace(output=student(maps)),
    )
    distillation = LogitDistillation([4], [4])
    found = distillation.compare_priors(one)
    (preds,), (targets,) = student(maps)[0], teacher(maps)[0]
    objects = teacher(maps)[2][0].sigmoid()
    total = weights = 0.0
    for image in range(2):
        for row in range(6):
            for column in range(5):
                place = image, slice(None), row, column
                weight = targets[place].sigmoid().max() * objects[place]
                rows = preds[place][None], targets[place][None]
                total += weight * sigmoid_divergence(*rows, distillation.temperature)
                weights += weight
    torch.testing.assert_close(found, (total / weights)[0])


def hard_examples():
    """A Faster R-CNN that runs its box head to choose its proposals too."""
    config = toys.detector()
    config.train_cfg.rcnn.sampler = ConfigDict(
        type='OHEMSampler', num=8, pos_fraction=0.25, add_gt_as_proposals=True
    )
    return config


def double_head():
    """One that takes the features of each proposal twice."""
    config = toys.detector()
    config.roi_head.update(type='DoubleHeadRoIHead', reg_roi_scale_factor=1.3)
    config.roi_head.bbox_head.update(
        type='DoubleConvFCBBoxHead', num_convs=1, num_fcs=1, conv_out_channels=16
    )
    return config


@pytest.mark.parametrize('config', [hard_examples(), double_head()])
@pytest.mark.parametrize('kind', [LogitDistillation, DKD])
def test_proposals_are_those_of_the_students_loss(config, kind):
    student, teacher = steps.pair(config, std=0.3)
    distillation = kind([], [], temperature=2.0)
    one = steps.step(distillation, student, teacher)
    call = one.calls('roi_head.bbox_head')[-1]
    rois = one.calls('roi_head.bbox_roi_extractor')[-1].inputs[1]
    assert call.output[0].requires_grad and len(call.output[0]) == len(rois)
    targets = teacher.roi_head._bbox_forward(one.teacher_feats, rois)['cls_score']
    if kind is DKD:
        labels = one.calls('roi_head.bbox_head.loss_cls')[-1].inputs[1]
        expected = decoupled_divergence(call.output[0], targets, labels, 1, 0.25, 2)
    else:
        expected = softmax_divergence(call.output[0], targets, 2.0)
    torch.testing.assert_close(distillation(one)['loss'], expected.mean())
