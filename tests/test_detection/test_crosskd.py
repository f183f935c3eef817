import math

import pytest
import steps
import torch
import toys

from mmreviewkd.detection import CrossKD
from mmreviewkd.detection.crosskd import Maps, rescale

KINDS = ['gfl', 'retinanet', 'fcos', 'atss']


def crosskd(**kwargs):
    return CrossKD([], [], **kwargs)


def test_rescale_by_hand():
    """Mean 2 and deviation 1 become mean 5 and deviation 3."""
    feat = torch.tensor([1.0, 3.0], dtype=torch.double).view(1, 1, 1, 2)
    target = torch.tensor([8.0, 2.0], dtype=torch.double).view(1, 1, 1, 2)
    assert rescale(feat, target, eps=0.0).flatten().tolist() == [2.0, 8.0]


def test_rescale_of_a_channel_that_never_varies():
    feat = torch.ones(1, 1, 2, 2).requires_grad_()
    found = rescale(feat, torch.full((1, 1, 2, 2), 4.0))
    found.sum().backward()
    assert found.flatten().tolist() == [4.0] * 4
    assert torch.isfinite(feat.grad).all()


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('rest', [0, 1])
def test_the_rest_of_a_head_gives_what_the_head_gives(kind, rest):
    _, teacher = steps.pair(toys.one_stage(kind))
    head = teacher.bbox_head
    feats = [torch.randn(2, 32, side, side) for side in (8, 4, 2, 1, 1)]
    inside = Maps([], [])
    for feat in feats:
        for maps, convs in zip(inside, (head.cls_convs, head.reg_convs), strict=True):
            x = feat
            for conv in convs[: 1 - rest]:
                x = conv(x)
            maps.append(convs[1 - rest](x, activate=False))
    found = crosskd(rest=rest).predict(head, inside)
    for ours, theirs in zip(found, head(feats)[:2], strict=True):
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize('kind', KINDS)
def test_learns_until_it_is_like_the_teacher(kind):
    student, teacher = steps.pair(toys.one_stage(kind))
    distillation = crosskd()
    losses = distillation(steps.step(distillation, student, teacher, (0, 1, 2)))
    assert set(losses) == {'loss_cls', 'loss_bbox'}
    assert all(torch.isfinite(loss) and loss > 0 for loss in losses.values())
    sum(losses.values()).backward()
    first, second = student.bbox_head.cls_convs
    assert first.conv.weight.grad.any()
    # What is behind the map that is taken learns from annotations alone.
    assert second.conv.weight.grad is None
    assert student.backbone.conv1.weight.grad.any()

    student, teacher = steps.twins(toys.one_stage(kind))
    losses = distillation(steps.step(distillation, student, teacher))
    assert [loss.item() for loss in losses.values()] == pytest.approx([0, 0], abs=1e-4)


@pytest.mark.parametrize('levels', [(0, 1, 2), (0, 2)])
def test_as_in_the_paper(levels):
    """Each anchor of a RetinaNet, in plain loops."""
    student, teacher = steps.pair(toys.one_stage(), std=0.2)
    distillation = crosskd()
    batch = steps.step(distillation, student, teacher, levels)
    ours, theirs = student.bbox_head, teacher.bbox_head
    anchors = theirs.prior_generator.grid_priors(
        [feat.shape[2:] for feat in batch.teacher_feats], device='cpu'
    )
    labels, *_ = ours.get_targets(
        *ours.get_anchors(
            [feat.shape[2:] for feat in batch.student_feats],
            [sample.metainfo for sample in batch.data_samples],
            device='cpu',
        ),
        [sample.gt_instances for sample in batch.data_samples],
        [sample.metainfo for sample in batch.data_samples],
    )
    number = sum(int((labels[level] < 3).sum()) for level in levels)
    assert number > 0
    classes = boxes = 0.0
    for level in levels:
        feat, target = batch.student_feats[level], batch.teacher_feats[level]
        outs = []
        for tower, predict in (
            ('cls_convs', 'retina_cls'),
            ('reg_convs', 'retina_reg'),
        ):
            mine = getattr(ours, tower)[0].conv(feat)
            its = getattr(theirs, tower)[0].conv(target)
            scaled = torch.empty_like(mine)
            for c in range(mine.shape[1]):
                a, b = mine[:, c], its[:, c]
                scaled[:, c] = (a - a.mean()) / (a.var(correction=0) + 1e-5).sqrt()
                scaled[:, c] *= (b.var(correction=0) + 1e-5).sqrt()
                scaled[:, c] += b.mean()
            for x in (scaled, its):
                x = getattr(theirs, tower)[1].conv(x.clamp(min=0)).clamp(min=0)
                out = getattr(theirs, predict)(x)
                width = out.shape[1] // 9
                out = out.movedim(1, -1).reshape(len(out), -1, width)
                outs.append(out.detach().double())
        scores, their_scores, deltas, their_deltas = outs
        for n in range(len(scores)):
            decoded = [
                theirs.bbox_coder.decode(anchors[level].double(), d[n]).tolist()
                for d in (deltas, their_deltas)
            ]
            for row in range(scores.shape[1]):
                likely = their_scores[n, row].sigmoid().tolist()
                for score, p in zip(scores[n, row].tolist(), likely, strict=True):
                    q = 1 / (1 + math.exp(-score))
                    entropy = -p * math.log(q) - (1 - p) * math.log(1 - q)
                    classes += abs(p - q) * entropy
                distance = 1 - steps.giou(*(one[row] for one in decoded))
                boxes += max(likely) * distance
    losses = distillation(batch)
    assert losses['loss_cls'].item() == pytest.approx(classes / number, rel=1e-4)
    assert losses['loss_bbox'].item() == pytest.approx(boxes / number, rel=1e-3)


@pytest.mark.parametrize(('weight', 'factor'), [(None, 4.0), (0.5, 0.5)])
@pytest.mark.parametrize('levels', [(0, 1, 2), (0, 2)])
def test_the_distributions_of_gfl(levels, weight, factor):
    """Each side of each point, in plain loops."""
    student, teacher = steps.pair(toys.one_stage('gfl'), std=0.2)
    distillation = crosskd(box_weight=weight)
    batch = steps.step(distillation, student, teacher, levels)
    ours, theirs = student.bbox_head, teacher.bbox_head
    total = weights = 0.0
    for level in levels:
        feat, target = batch.student_feats[level], batch.teacher_feats[level]
        # Both have group norm.
        mine = ours.reg_convs[0](feat, activate=False)
        its = theirs.reg_convs[0](target, activate=False)
        scaled = (mine - mean(mine)) / deviation(mine) * deviation(its) + mean(its)
        sides = []
        for x in (scaled, its):
            x = theirs.reg_convs[1](x.clamp(min=0))
            x = theirs.gfl_reg(x) * theirs.scales[level].scale
            sides.append(x.detach().double().movedim(1, -1).reshape(-1, 4, 17))
        scores = theirs(batch.teacher_feats)[0][level].double().movedim(1, -1)
        for row, row_scores in enumerate(scores.reshape(-1, 3).tolist()):
            weight = max(1 / (1 + math.exp(-score)) for score in row_scores)
            weights += weight
            for side in range(4):
                q, p = (softmax(x[row, side].tolist()) for x in sides)
                kl = sum(b * math.log(b / a) for a, b in zip(q, p, strict=True))
                total += weight * kl / 4
    found = distillation(batch)['loss_bbox'].item()
    assert found == pytest.approx(factor * total / weights, rel=1e-4)


def mean(feat):
    """Of each channel."""
    return feat.mean((0, 2, 3), keepdim=True)


def deviation(feat):
    """Of each channel."""
    return (mean((feat - mean(feat)).square()) + 1e-5).sqrt()


def softmax(scores):
    """Of a list of numbers."""
    powers = [math.exp(score) for score in scores]
    return [power / sum(powers) for power in powers]


@pytest.mark.parametrize(
    ('student', 'teacher', 'message'),
    [
        (toys.detector(), None, 'CrossKD fits .* GFLHead, .*; got .*FasterRCNN'),
        (toys.one_stage('gfl'), toys.one_stage('fcos'), 'GFLHead and FCOSHead'),
        (toys.one_stage(), toys.detector(), 'CrossKD fits .*; got FasterRCNN'),
        (toys.one_stage(convs=1), None, 'more than 1 convolutions'),
        (
            toys.one_stage(),
            toys.one_stage(anchor_generator=dict(ratios=[1.0])),
            'as many anchors to a position; got 9 and 3',
        ),
    ],
)
def test_detectors_that_do_not_fit(student, teacher, message):
    student, teacher = steps.pair(student, teacher)
    distillation = crosskd()
    with pytest.raises(ValueError, match=message):
        distillation(steps.step(distillation, student, teacher))


def test_heads_of_another_width():
    narrow = toys.one_stage()
    narrow.bbox_head.feat_channels = 16
    student, teacher = steps.pair(narrow, toys.one_stage())
    distillation = crosskd()
    batch = steps.step(distillation, student, teacher)
    with pytest.raises(ValueError, match='feat_channels=16 and 32'):
        distillation(batch)


def test_positives_are_counted_over_all_processes(monkeypatch):
    """Here three times as many on average, so that each counts a third."""
    student, teacher = steps.pair(toys.one_stage())
    distillation = crosskd()
    one = steps.step(distillation, student, teacher)
    alone = distillation(one)
    monkeypatch.setattr(
        'mmreviewkd.detection.crosskd.reduce_mean', lambda number: 3 * number
    )
    for key, loss in distillation(one).items():
        torch.testing.assert_close(3 * loss, alone[key])
