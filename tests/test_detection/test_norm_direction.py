import batches
import pytest
import steps
import torch
import toys

from mmreviewkd.detection import NormDirection
from mmreviewkd.detection.norm_direction import norm_direction
from mmreviewkd.detection.object_distillation import pool


def test_by_hand():
    """Along the class 3 of a length of 5; then 2 of the teacher's length of 4."""
    preds = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    targets = torch.tensor([[1.0, 0.0], [4.0, 0.0]])
    means = torch.tensor([[7.0, 0.0], [0.0, 0.5]])
    found = norm_direction(preds, targets, means)
    assert found.item() == pytest.approx(((1 - 3 / 5) + (1 - 2 / 4)) / 2)


def test_longer_vectors_in_the_right_direction_cost_nothing():
    preds = torch.tensor([[5.0, 0.0]])
    targets = torch.tensor([[3.0, 1.0]])
    assert norm_direction(preds, targets, torch.tensor([[1.0, 0.0]])) == 0


def test_vectors_of_zeros():
    preds = torch.zeros(2, 3, requires_grad=True)
    loss = norm_direction(preds, torch.zeros(2, 3), torch.zeros(2, 3))
    loss.backward()
    assert loss == 1 and torch.isfinite(preds.grad).all()


def nd(in_channels, out_channels):
    distillation = NormDirection(in_channels, out_channels)
    assert distillation.student_modules(toys.build(toys.one_stage())) == ()
    return distillation.double()


def test_class_means_are_those_of_all_objects_so_far():
    distillation = nd([4, 4], [4, 4])
    one = batches.batch([[[8, 8, 24, 24], [0, 0, 16, 16]], [[0, 8, 9, 24]]])
    labels = [torch.tensor([0, 2]), torch.tensor([2])]
    for sample, own in zip(one.data_samples, labels, strict=True):
        sample.gt_instances.labels = own
    targets = pool(one.targets, one.boxes, (8, 16))
    means = torch.stack([targets[0], (targets[1] + targets[2]) / 2])[[0, 1, 1]]
    preds = pool(one.feats, one.boxes, (8, 16))
    expected = norm_direction(preds, targets, means)
    torch.testing.assert_close(distillation(one)['loss'], expected)
    assert distillation.counts.tolist() == [1, 0, 2]
    # The same objects again leave their means as they are.
    torch.testing.assert_close(distillation(one)['loss'], expected)
    assert distillation.counts.tolist() == [2, 0, 4]
    assert {'sums', 'counts'} <= set(distillation.state_dict())


def test_other_widths_are_embedded():
    one = batches.batch([[[8, 8, 24, 24]]])
    one.targets = tuple(target.repeat(1, 2, 1, 1) for target in one.targets)
    distillation = nd([4, 4], [8, 8])
    distillation(one)['loss'].backward()
    assert all(parameter.grad.any() for parameter in distillation.parameters())


def test_no_objects():
    distillation = nd([4, 4], [4, 4])
    loss = distillation(batches.batch([[]]))['loss']
    loss.backward()
    assert loss == 0


def test_detectors_without_classes_are_refused():
    student, _ = steps.pair(toys.detector())
    distillation = NormDirection([8], [8])
    distillation.student_modules(student)
    assert len(distillation.counts) == 3
    with pytest.raises(ValueError, match='num_classes.*; RPNHead has none'):
        distillation.student_modules(student.rpn_head)


@pytest.mark.parametrize('boxes', [[[8, 8, 24, 24]], []])
def test_class_means_are_those_of_all_processes(monkeypatch, boxes):
    """The other one has seen two objects of class 1, also where this one has none."""

    def add_those_of_the_other(tensor):
        tensor[1] += 2.0

    module = 'mmreviewkd.detection.norm_direction'
    monkeypatch.setattr(f'{module}.all_reduce', add_those_of_the_other)
    distillation = nd([4, 4], [4, 4])
    distillation(batches.batch([boxes]))
    assert distillation.counts.tolist() == [len(boxes), 2, 0]
    assert distillation.sums[1].tolist() == [2.0] * 4
