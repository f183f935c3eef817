import batches
import pytest
import torch
from torch import nn

from mmreviewkd.detection import ObjectDistillation
from mmreviewkd.detection.object_distillation import pool


class Remembering(ObjectDistillation):
    """Keeps the vectors that it is to compare."""

    def compare(self, preds, targets):
        self.vectors = preds, targets
        return (preds.mean(1) - targets.mean(1)).square().mean()


def vectors(batch, **kwargs):
    distillation = Remembering([4, 4], [4, 4], **kwargs)
    distillation(batch)['loss']
    return distillation.vectors


def test_vectors_are_means_over_boxes_on_the_level_of_their_size():
    """With strides 8 and 16, objects from 224 pixels on are on the second level."""
    small, large = [0, 8, 16, 24], [16, 32, 240, 256]
    batch = batches.batch([[small], [large]], size=256)
    # Interpolation leaves planes as they are: their mean is that of the box's centre.
    for feat in batch.feats:
        ys, xs = (torch.arange(side, dtype=torch.double) for side in feat.shape[2:])
        feat.data[:] = xs + 10 * ys[:, None]
    preds, targets = vectors(batch)
    assert preds.shape == targets.shape == (2, 4)
    # The centre (8, 16) is half a position off the centres of the level's positions.
    assert preds[0].tolist() == pytest.approx([8 / 8 - 0.5 + 10 * (16 / 8 - 0.5)] * 4)
    expected = 128 / 16 - 0.5 + 10 * (144 / 16 - 0.5)
    assert preds[1].tolist() == pytest.approx([expected] * 4)


def test_teachers_maps_of_another_size_are_read_at_the_same_places():
    """As with model.resize='review'; the box's centre is 16 pixels from the left."""
    batch = batches.batch([[[8, 8, 24, 24], [8, 8, 24, 24]]], size=64)
    twice = [
        torch.arange(2.0 * side, dtype=torch.double).expand(1, 4, 2 * side, 2 * side)
        for side in (8, 4)
    ]
    same = vectors(batch)[0]
    batch.targets = tuple(twice)
    preds, targets = vectors(batch)
    torch.testing.assert_close(preds, same)
    # Positions 1 and 2 of the student's eight are 2 and 4 of the teacher's sixteen.
    torch.testing.assert_close(targets, torch.full_like(targets, 3.0))


@pytest.mark.parametrize('strides', [(4, 8, 16, 32), (8, 32), (8, 16, 64), (16,)])
def test_the_coarsest_level_with_14_positions_to_a_side(strides):
    sides = [20, 111, 113, 223, 225, 447, 449, 895, 897]
    boxes = [torch.tensor([[0.0, 0, 2 * side, side / 2] for side in sides])]
    # Each level's map holds its stride, and the boxes are within the maps.
    maps = [
        torch.full((1, 1, 512 // stride, 2048 // stride), float(stride))
        for stride in strides
    ]
    expected = [
        max((stride for stride in strides if side >= 14 * stride), default=strides[0])
        for side in sides
    ]
    assert pool(maps, boxes, strides).flatten().tolist() == expected


def test_each_image_has_its_own_maps():
    box = [8, 8, 24, 24]
    batch = batches.batch([[box], [box]])
    preds, targets = vectors(batch)
    for maps, found in ((batch.feats, preds), (batch.targets, targets)):
        torch.testing.assert_close(found, bilinear_mean(maps[0], box, 8))


def bilinear_mean(feat, box, stride, samples=2):
    """RoIAlign of one cell: the mean of samples at the centres of a regular grid."""
    left, top, right, bottom = (side / stride - 0.5 for side in box)
    values = []
    for i in range(samples):
        for j in range(samples):
            y = top + (i + 0.5) / samples * (bottom - top)
            x = left + (j + 0.5) / samples * (right - left)
            y0, x0 = int(y), int(x)
            v, u = y - y0, x - x0
            values.append(
                (1 - v) * (1 - u) * feat[:, :, y0, x0]
                + (1 - v) * u * feat[:, :, y0, x0 + 1]
                + v * (1 - u) * feat[:, :, y0 + 1, x0]
                + v * u * feat[:, :, y0 + 1, x0 + 1]
            )
    return sum(values) / len(values)


def test_at_most_so_many_objects_of_an_image():
    boxes = [[x, 0, x + 8, 8] for x in range(0, 24, 2)]
    batch = batches.batch([boxes, boxes[:2]])
    torch.manual_seed(0)
    some, _ = vectors(batch, max_objects=5)
    assert len(some) == 5 + 2
    every, _ = vectors(batch)
    assert len(every) == 14
    # Each is one of the image's own.
    assert all((every[:12] == row).all(1).any() for row in some[:5])
    torch.manual_seed(0)
    again, _ = vectors(batch, max_objects=5)
    assert torch.equal(some, again)


@pytest.mark.parametrize('boxes', [[[]], [[], []], [[[8, 8, 24, 24]], []]])
def test_less_than_two_objects_give_0(boxes):
    batch = batches.batch(boxes)
    loss = Remembering([4, 4], [4, 4])(batch)['loss']
    assert loss == 0
    loss.backward()
    assert not any(feat.grad.any() for feat in batch.feats)


def test_gradients_reach_the_maps_through_the_pooling():
    boxes = [torch.tensor([[2.0, 1, 14, 13]]), torch.tensor([[0.0, 0, 9, 16]])]
    batch = batches.batch([[], []], channels=1)
    assert torch.autograd.gradcheck(
        lambda *maps: pool(maps, boxes, (8, 16)), batch.feats
    )


def test_maps_of_one_position():
    batch = batches.batch([[[0, 0, 16, 16], [1, 1, 9, 9]]], size=16)
    preds, targets = vectors(batch)
    assert torch.isfinite(preds).all() and torch.isfinite(targets).all()


def test_levels_of_different_widths_are_refused():
    with pytest.raises(ValueError, match=r"the teacher's levels .* \[4, 8\]"):
        Remembering([4, 4], [4, 8]).student_modules(nn.Module())
