import copy

import pytest
import steps
import torch
import toys

from mmreviewkd.detection import LocalizationDistillation


def ld(**kwargs):
    return LocalizationDistillation([], [], **kwargs)


def test_the_numbers_of_mmdetection():
    """Its LDHead with the student's weights, but for the division by the weights."""
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
    weights = 0.0
    calls = batch.calls('bbox_head.loss_cls')
    for call in calls:
        scores, (labels, _) = call.inputs
        weights += scores[labels < 3].sigmoid().amax(1).sum()
    assert len(calls) == 5 and weights > 0
    expected = sum(theirs['loss_ld']) / weights
    torch.testing.assert_close(distillation(batch)['loss'], expected)


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


def test_weights_are_summed_over_all_processes(monkeypatch):
    student, teacher = steps.pair(toys.one_stage('gfl'), std=0.2)
    distillation = ld()
    batch = steps.step(distillation, student, teacher)
    alone = distillation(batch)['loss']
    monkeypatch.setattr(
        'mmreviewkd.detection.weighted_mean.reduce_mean', lambda total: 3 * total
    )
    torch.testing.assert_close(3 * distillation(batch)['loss'], alone)


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
