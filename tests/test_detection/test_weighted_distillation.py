from types import SimpleNamespace

import batches
import pytest
import steps
import torch
import torch.nn.functional as F
import toys
from mmdet.models.dense_heads import YOLOXHead

from mmreviewkd.detection import WeightedFeatureDistillation
from mmreviewkd.detection.fgfi import imitation_loss
from mmreviewkd.detection.near_anchors import near_masks
from mmreviewkd.detection.position_weights import score_weights
from mmreviewkd.features import Feature
from mmreviewkd.losses import HCLLoss
from mmreviewkd.losses.weighted_mse import weighted_mse

PLAIN = dict(connector=dict(type='IdentityConnector'), loss=dict(type='L2DistillLoss'))


def weighted(levels=1, **kwargs):
    width = [32] * levels
    return WeightedFeatureDistillation(width, width, **(PLAIN | kwargs))


def test_weighted_by_the_teachers_highest_score():
    """Nine anchors of three classes to a position."""
    student, teacher = steps.pair(toys.one_stage())
    distillation = weighted(2)
    one = steps.step(distillation, student, teacher, (0, 2))
    scores = teacher.bbox_head(one.teacher_feats)[0]
    expected = 0.0
    for level, pred, target in zip((0, 2), one.feats, one.targets, strict=True):
        weight = scores[level].sigmoid().amax(1, keepdim=True)
        assert weight.std() > 0
        expected = expected + weighted_mse(pred, target, weight)
    losses = distillation(one)
    torch.testing.assert_close(losses['loss'], expected)
    losses['loss'].backward()
    assert student.backbone.conv1.weight.grad.any()
    one.feats = one.targets
    assert distillation(one)['loss'] == 0


def test_hcl_by_scores_and_the_background():
    student, teacher = steps.pair(toys.one_stage('gfl'))
    distillation = weighted(loss=dict(type='HCLLoss'), background=0.1)
    one = steps.step(distillation, student, teacher, (0,))
    weight = teacher.bbox_head(one.teacher_feats)[0][0].sigmoid()
    expected = HCLLoss()(one.feats, one.targets, [weight.amax(1, keepdim=True) + 0.1])
    torch.testing.assert_close(distillation(one)['loss'], expected)


def test_two_stage_teachers_weigh_by_their_rpn():
    student, teacher = steps.pair(toys.detector())
    width = [8]
    distillation = WeightedFeatureDistillation(width, width, **PLAIN)
    one = steps.step(distillation, student, teacher, (1,))
    weight = teacher.rpn_head(one.teacher_feats)[0][1].sigmoid().amax(1, keepdim=True)
    expected = weighted_mse(one.feats[0], one.targets[0], weight)
    torch.testing.assert_close(distillation(one)['loss'], expected)


def test_weighted_by_annotated_boxes():
    student, teacher = steps.pair(toys.one_stage())
    distillation = weighted(weights='boxes')
    assert not distillation.needs_heads
    one = steps.step(distillation, student, teacher, (0,))
    weight = torch.zeros(2, 1, 8, 8)
    # 8, 8, 30, 28 and 20, 10, 44, 40 in positions of 8 pixels.
    weight[:, :, 1:4, 1:4] = weight[:, :, 1:5, 2:6] = 1
    expected = weighted_mse(one.feats[0], one.targets[0], weight)
    torch.testing.assert_close(distillation(one)['loss'], expected)


def test_weighted_by_near_anchors():
    student, teacher = steps.pair(toys.one_stage())
    distillation = weighted(2, weights='anchors')
    assert not distillation.needs_heads
    one = steps.step(distillation, student, teacher, (0, 1))
    masks = near_masks(one, 0.5, 'a test')
    assert masks[0].any() and not masks[0].all()
    expected = 0.0
    for mask, pred, target in zip(masks, one.feats, one.targets, strict=True):
        expected = expected + weighted_mse(pred, target, mask[:, None].float())
    torch.testing.assert_close(distillation(one)['loss'], expected)


def test_across_levels_it_is_one_average():
    """Of all positions of all levels, each counted by its weight, as FGFI has it."""
    student, teacher = steps.pair(toys.one_stage())
    distillation = weighted(2, weights='anchors', across_levels=True)
    one = steps.step(distillation, student, teacher, (0, 1))
    masks = near_masks(one, 0.5, 'a test')
    expected = 2 * imitation_loss(one.feats, one.targets, masks)
    loss = distillation(one)['loss']
    torch.testing.assert_close(loss, expected)
    # Without objects nothing counts.
    for sample in one.data_samples:
        sample.gt_instances = sample.gt_instances[:0]
    loss = distillation(one)['loss']
    assert loss == 0
    loss.backward()


def test_small_objects_stay_on_smaller_maps_of_the_teacher():
    """With resize='review', whose connector makes maps of the teacher's sizes."""
    one = batches.batch([[[4, 4, 9, 9]], [[20, 22, 26, 28]]])
    masks = near_masks(one, 0.5, 'a test')
    one.targets = tuple(F.avg_pool2d(target, 2) for target in one.targets)
    distillation = WeightedFeatureDistillation(
        [4, 4], [4, 4], **PLAIN, weights='anchors'
    )
    for mask, weight in zip(masks, distillation._weights(one), strict=True):
        for n, y, x in mask.nonzero().tolist():
            assert weight[n, 0, y // 2, x // 2] == 1
        assert weight.sum() <= mask.sum()


def test_many_positions_do_not_overflow_half_precision():
    """The box has 90000 positions of the first map; float16 ends at 65504."""
    one = batches.batch([[[0, 0, 2400, 2400]]], size=2400, channels=1)
    one.feats = tuple(feat.detach().half() for feat in one.feats)
    one.targets = tuple(target.half() for target in one.targets)
    distillation = WeightedFeatureDistillation(
        [1, 1], [1, 1], **PLAIN, weights='boxes', across_levels=True
    )
    assert distillation(one)['loss'].isfinite()


def test_students_without_anchors_are_told_what_suits_them():
    student, teacher = steps.pair(toys.one_stage('fcos'))
    distillation = weighted(weights='anchors')
    one = steps.step(distillation, student, teacher, (0,))
    with pytest.raises(ValueError, match="FCOS has points; .*weights='boxes'"):
        distillation(one)


def test_background_class_is_no_object():
    softmax = dict(type='CrossEntropyLoss', _delete_=True, loss_weight=1.0)
    student, teacher = steps.pair(toys.one_stage(loss_cls=softmax))
    distillation = weighted()
    one = steps.step(distillation, student, teacher, (0,))
    scores = teacher.bbox_head(one.teacher_feats)[0][0]
    each = torch.stack([part.softmax(1)[:, :3] for part in scores.split(4, 1)])
    weight = each.amax((0, 2))[:, None]
    expected = weighted_mse(one.feats[0], one.targets[0], weight)
    torch.testing.assert_close(distillation(one)['loss'], expected)


def test_teachers_without_scores_are_refused():
    student, teacher = steps.pair(toys.one_stage())
    distillation = weighted()
    one = steps.step(distillation, student, teacher, (0,))
    del teacher.bbox_head
    with pytest.raises(ValueError, match="got RetinaNet; weights='boxes' suits any"):
        distillation(one)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(weights='masks'), "weights is 'masks'; .*'scores', 'boxes' or 'anchors'"),
        (dict(loss=dict(type='PKDLoss')), 'PKDLoss cannot weigh positions; .*HCLLoss'),
    ],
)
def test_wrong_fields(changes, message):
    with pytest.raises(ValueError, match=message):
        weighted(**changes)


@pytest.mark.parametrize('weights', ['scores', 'boxes'])
def test_unlabelled_images_are_left_to_methods_without_weights(weights):
    """They have neither annotations nor scores here."""
    assert not weighted(weights=weights).maps_only


def test_yolox_weighs_by_class_and_objectness():
    """Its class scores are trained where objects are only."""
    torch.manual_seed(0)
    head = YOLOXHead(num_classes=3, in_channels=4, feat_channels=4, strides=(8,)).eval()
    feats = (torch.randn(2, 4, 6, 5),)
    one = SimpleNamespace(
        teacher=SimpleNamespace(model=SimpleNamespace(bbox_head=head, neck=head)),
        teacher_feats=feats,
        teacher_levels=[Feature('neck', 0, 4, 8)],
        targets=feats,
    )
    (found,) = score_weights(one, 'a method')
    classes, _, objects = head(feats)
    expected = classes[0].sigmoid().amax(1, keepdim=True) * objects[0].sigmoid()
    torch.testing.assert_close(found, expected)
