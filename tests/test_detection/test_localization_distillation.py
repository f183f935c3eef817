import copy
import math

import pytest
import steps
import torch
import toys

from mmreviewkd.detection import LocalizationDistillation


def ld(**kwargs):
    return LocalizationDistillation([], [], **kwargs)


def test_the_numbers_of_mmdetection():
    """Its LDHead with the student's weights."""
    student, teacher = steps.pair(toys.one_stage('gfl'), std=0.2)
    distillation = ld(temperature=10.0)
    batch = steps.step(distillation, student, teacher)
    config = copy.deepcopy(toys.one_stage('gfl'))
    loss = dict(type='KnowledgeDistillationKLDivLoss', loss_weight=1.0, T=10)
    head = toys.build(
        dict(
            config.bbox_head,
            type='LDHead',
            loss_ld=loss,
            train_cfg=config.train_cfg,
            test_cfg=config.test_cfg,
        )
    )
    head.load_state_dict(student.bbox_head.state_dict())
    theirs = head.loss(
        batch.student_feats, teacher.bbox_head(batch.teacher_feats), batch.data_samples
    )
    expected = sum(theirs['loss_ld'])
    assert expected > 0
    torch.testing.assert_close(distillation(batch)['loss'], expected)


def test_as_in_the_paper():
    """Each side of each positive point, in plain loops; labels are assigned again."""
    student, teacher = steps.pair(toys.one_stage('gfl'), std=0.2)
    distillation = ld(temperature=10.0)
    batch = steps.step(distillation, student, teacher)
    head = student.bbox_head
    metas = [sample.metainfo for sample in batch.data_samples]
    anchors, valid = head.get_anchors(
        [feat.shape[2:] for feat in batch.student_feats], metas, device='cpu'
    )
    objects = [sample.gt_instances for sample in batch.data_samples]
    labels = head.get_targets(anchors, valid, objects, metas)[1]
    ours, theirs = head(batch.student_feats), teacher.bbox_head(batch.teacher_feats)
    total, positives = 0.0, 0
    for level, own_labels in enumerate(labels):
        scores, sides, their_sides = (
            maps[level].detach().double().movedim(1, -1).flatten(1, 2)
            for maps in (ours[0], ours[1], theirs[1])
        )
        for n, row in (own_labels < 3).nonzero().tolist():
            positives += 1
            weight = max(1 / (1 + math.exp(-z)) for z in scores[n, row].tolist())
            for side in range(4):
                q, p = (
                    softmax(maps[n, row].view(4, 17)[side].tolist(), temperature=10.0)
                    for maps in (sides, their_sides)
                )
                kl = sum(b * math.log(b / a) for a, b in zip(q, p, strict=True))
                total += weight * 10.0**2 * kl / 17 / 4
    assert positives > 1
    assert distillation(batch)['loss'].item() == pytest.approx(total, rel=1e-4)


def softmax(scores, temperature):
    """Of a list of numbers."""
    powers = [math.exp(score / temperature) for score in scores]
    return [power / sum(powers) for power in powers]


def test_levels_may_be_left_out():
    student, teacher = steps.pair(toys.one_stage('gfl'), std=0.2)
    distillation = ld()
    losses = [
        distillation(steps.step(distillation, student, teacher, levels))['loss']
        for levels in ((0, 1), (3, 4))
    ]
    # The toy objects are small.
    assert losses[0] > 0 and losses[1] == 0


def test_learns_until_it_is_like_the_teacher():
    student, teacher = steps.pair(toys.one_stage('gfl'))
    distillation = ld()
    loss = distillation(steps.step(distillation, student, teacher))['loss']
    loss.backward()
    assert loss > 0 and student.bbox_head.gfl_reg.weight.grad.any()
    # Scores are weights alone.
    assert student.bbox_head.gfl_cls.weight.grad is None

    student, teacher = steps.twins(toys.one_stage('gfl'))
    loss = distillation(steps.step(distillation, student, teacher))['loss']
    assert loss.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize('kind', ['fcos', 'retinanet'])
def test_heads_without_distributions_are_refused(kind):
    student, _ = steps.pair(toys.one_stage(kind))
    with pytest.raises(ValueError, match='LocalizationDistillation fits .* GFLHead'):
        ld().student_modules(student)


def test_other_bins_than_the_teachers():
    student, teacher = steps.pair(
        toys.one_stage('gfl'), toys.one_stage('gfl', reg_max=8)
    )
    distillation = ld()
    batch = steps.step(distillation, student, teacher)
    with pytest.raises(ValueError, match='16 and 8'):
        distillation(batch)
