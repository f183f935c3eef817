import pytest
import steps
import torch
import toys

from mmreviewkd.detection import DKD
from mmreviewkd.losses.dkd import decoupled_divergence

SOFTMAX = dict(type='CrossEntropyLoss', _delete_=True, loss_weight=1.0)


def dkd(**kwargs):
    return DKD([], [], **kwargs)


def test_proposals_with_the_labels_of_the_students_loss():
    student, teacher = steps.pair(toys.detector(), std=0.3)
    distillation = dkd(temperature=2.0, alpha=0.5, beta=3.0)
    one = steps.step(distillation, student, teacher)
    scores, labels = one.call('roi_head.bbox_head.loss_cls').inputs[:2]
    rois = one.call('roi_head.bbox_roi_extractor').inputs[1]
    head = teacher.roi_head
    targets = head.bbox_head(head.bbox_roi_extractor(one.teacher_feats[:4], rois))[0]
    # Objects and background.
    assert (labels < 3).any() and (labels == 3).any()
    expected = decoupled_divergence(scores, targets, labels, 0.5, 3.0, 2.0).mean()
    found = distillation(one)['loss']
    torch.testing.assert_close(found, expected)
    found.backward()
    assert found > 0 and student.backbone.conv1.weight.grad.any()


@pytest.mark.parametrize('levels', [range(5), (1, 3)])
def test_anchors_of_a_one_stage_detector_with_a_softmax(levels):
    student, teacher = steps.pair(toys.one_stage(loss_cls=SOFTMAX), std=0.3)
    distillation = dkd()
    one = steps.step(distillation, student, teacher, levels)
    calls = one.calls('bbox_head.loss_cls')
    total = weights = 0.0
    theirs = teacher.bbox_head(one.teacher_feats)[0]
    for level in levels:
        scores, labels = calls[level].inputs[:2]
        target = theirs[level].movedim(1, -1).reshape(-1, 4)
        weight = target.softmax(1)[:, :3].amax(1)
        divergence = decoupled_divergence(scores, target, labels, 1.0, 0.25, 1.0)
        total += (weight * divergence).sum()
        weights += weight.sum()
    torch.testing.assert_close(distillation(one)['loss'], total / weights)


def test_0_where_student_and_teacher_agree():
    student, teacher = steps.twins(toys.detector())
    distillation = dkd()
    loss = distillation(steps.step(distillation, student, teacher))['loss']
    assert loss.item() == pytest.approx(0, abs=1e-6)


def test_sigmoids_are_refused():
    student, _ = steps.pair(toys.one_stage())
    with pytest.raises(ValueError, match='DKD fits heads with a softmax'):
        dkd().student_modules(student)
