import math

import pytest
import steps
import torch
import toys

from mmreviewkd.detection import BCKD
from mmreviewkd.detection.bckd import binary_distance

KINDS = ['gfl', 'retinanet', 'fcos', 'atss']


def bckd(**kwargs):
    return BCKD([], [], **kwargs)


def test_binary_distance_by_hand():
    """Student 1/2, teacher 3/4: a quarter of log 2."""
    target = torch.tensor([math.log(3)], dtype=torch.double)
    found = binary_distance(torch.zeros(1, dtype=torch.double), target)
    assert found.item() == pytest.approx(0.25 * math.log(2))


def test_the_weight_of_a_class_is_part_of_the_gradient():
    pred = torch.zeros(1, dtype=torch.double, requires_grad=True)
    target = torch.tensor([math.log(3)], dtype=torch.double)
    binary_distance(pred, target).backward()
    # A sigmoid's slope at 1/2 is 1/4.
    expected = -0.25 * math.log(2) + 0.25 * (0.5 - 0.75)
    assert pred.grad.item() == pytest.approx(expected)


def test_the_weight_of_a_box_is_no_part_of_the_gradient():
    student, teacher = steps.pair(toys.one_stage('gfl'), std=0.2)
    distillation = bckd()
    distillation(steps.step(distillation, student, teacher))['loss_bbox'].backward()
    assert student.bbox_head.gfl_cls.weight.grad is None
    assert student.bbox_head.gfl_reg.weight.grad.any()


@pytest.mark.parametrize('kind', KINDS)
def test_learns_until_it_is_like_the_teacher(kind):
    student, teacher = steps.pair(toys.one_stage(kind))
    distillation = bckd()
    losses = distillation(steps.step(distillation, student, teacher))
    assert all(torch.isfinite(loss) and loss > 0 for loss in losses.values())
    sum(losses.values()).backward()
    assert student.backbone.conv1.weight.grad.any()

    student, teacher = steps.twins(toys.one_stage(kind))
    losses = distillation(steps.step(distillation, student, teacher))
    assert [loss.item() for loss in losses.values()] == pytest.approx([0, 0], abs=1e-4)


@pytest.mark.parametrize('levels', [(0, 1, 2), (0,)])
def test_as_in_the_paper(levels):
    """Each point of an FCOS, in plain loops; the labels are assigned again."""
    student, teacher = steps.pair(toys.one_stage('fcos'), std=0.2)
    distillation = bckd()
    batch = steps.step(distillation, student, teacher, levels)
    head = student.bbox_head
    sizes = [feat.shape[2:] for feat in batch.student_feats]
    points = head.prior_generator.grid_priors(sizes, device='cpu')
    labels, _ = head.get_targets(
        points, [sample.gt_instances for sample in batch.data_samples]
    )
    ours, theirs = head(batch.student_feats), teacher.bbox_head(batch.teacher_feats)
    classes = boxes = number = 0
    for level in levels:
        stride = head.strides[level]
        scores, their_scores, sides, their_sides = (
            maps[level].detach().double().movedim(1, -1).flatten(1, 2)
            for maps in (ours[0], theirs[0], ours[1], theirs[1])
        )
        # Without norm_on_bbox a head counts in pixels.
        assert not head.norm_on_bbox and stride == 8 * 2**level
        for n in range(2):
            own_labels = labels[level].view(2, -1)[n].tolist()
            for row, label in enumerate(own_labels):
                differences = []
                for z, t in zip(
                    scores[n, row].tolist(), their_scores[n, row].tolist(), strict=True
                ):
                    q, p = (1 / (1 + math.exp(-value)) for value in (z, t))
                    entropy = -p * math.log(q) - (1 - p) * math.log(1 - q)
                    classes += abs(p - q) * entropy
                    differences.append(abs(p - q))
                x, y = points[level][row].tolist()
                own, other = (
                    [x - left, y - top, x + right, y + bottom]
                    for left, top, right, bottom in (
                        sides[n, row].tolist(),
                        their_sides[n, row].tolist(),
                    )
                )
                boxes += max(differences) * (1 - steps.giou(own, other))
                number += label < 3
    assert number > 0
    losses = distillation(batch)
    assert losses['loss_cls'].item() == pytest.approx(classes / number, rel=1e-4)
    assert losses['loss_bbox'].item() == pytest.approx(4 * boxes / number, rel=1e-4)


def test_no_objects():
    student, teacher = steps.pair(toys.one_stage('gfl'))
    distillation = bckd()
    batch = steps.step(distillation, student, teacher)
    for call in batch.recorded._calls['bbox_head.loss_cls']:
        call.inputs[1][0].fill_(3)
    losses = distillation(batch)
    sum(losses.values()).backward()
    assert all(torch.isfinite(loss) and loss > 0 for loss in losses.values())


@pytest.mark.parametrize(
    ('student', 'teacher', 'message'),
    [
        (toys.detector(), None, 'BCKD fits one-stage .*; got .*FasterRCNN'),
        (toys.one_stage('gfl'), toys.one_stage('atss'), 'GFLHead and ATSSHead'),
    ],
)
def test_detectors_that_do_not_fit(student, teacher, message):
    student, teacher = steps.pair(student, teacher)
    distillation = bckd()
    with pytest.raises(ValueError, match=message):
        distillation(steps.step(distillation, student, teacher))


def test_positives_are_counted_over_all_processes(monkeypatch):
    """Here three times as many on average, so that each counts a third."""
    student, teacher = steps.pair(toys.one_stage('gfl'))
    distillation = bckd()
    one = steps.step(distillation, student, teacher)
    alone = distillation(one)
    monkeypatch.setattr(
        'mmreviewkd.detection.bckd.reduce_mean', lambda number: 3 * number
    )
    for key, loss in distillation(one).items():
        torch.testing.assert_close(3 * loss, alone[key])
