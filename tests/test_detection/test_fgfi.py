import batches
import pytest
import torch

from mmreviewkd.detection.fgfi import FGFI, imitation_loss, near_anchors


def test_near_anchors_by_hand():
    """Overlaps of a 10x10 box: 1, 1/2, 0.36 and 0."""
    box = torch.tensor([[0.0, 0, 10, 10]])
    anchors = torch.tensor(
        [[0.0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 6, 6], [20, 20, 30, 30]]
    )
    assert near_anchors(box, anchors, 0.4).tolist() == [True, True, False, False]
    # The share is of the best overlap: without the first, half of 1/2 is enough.
    assert near_anchors(box, anchors[1:], 0.5).tolist() == [True, True, False]


def test_near_any_of_several_objects():
    boxes = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    anchors = torch.tensor([[0.0, 0, 10, 10], [50, 0, 60, 10], [21, 21, 30, 30]])
    assert near_anchors(boxes, anchors, 0.5).tolist() == [True, False, True]


def test_nothing_is_near_without_objects_or_overlap():
    anchors = torch.tensor([[0.0, 0, 10, 10]])
    assert not near_anchors(torch.zeros(0, 4), anchors, 0.5).any()
    assert not near_anchors(torch.tensor([[50.0, 50, 60, 60]]), anchors, 0.5).any()


def test_loss_by_hand():
    """Two positions of three count: (mean(1, 9) + mean(4, 0)) / (2 * 2) = 7 / 4."""
    pred = torch.tensor([[[[1.0, 100.0]], [[3.0, 100.0]]]])
    coarse = torch.tensor([[[[2.0]], [[0.0]]]])
    masks = [torch.tensor([[[True, False]]]), torch.tensor([[[True]]])]
    targets = [torch.zeros_like(pred), torch.zeros_like(coarse)]
    assert imitation_loss([pred, coarse], targets, masks).item() == 7 / 4


def test_loss_gradients():
    torch.manual_seed(0)
    preds = [
        torch.randn(2, 3, side, side, dtype=torch.double, requires_grad=True)
        for side in (3, 1)
    ]
    targets = [torch.randn_like(pred) for pred in preds]
    masks = [torch.rand(2, side, side) > 0.4 for side in (3, 1)]
    assert torch.autograd.gradcheck(
        lambda *preds: imitation_loss(preds, targets, masks), preds
    )


def test_masks_of_all_levels_together():
    """Half the best overlap of all levels decides, not of each level alone."""
    batch = batches.batch([[[8, 0, 24, 16]], []])
    distillation = FGFI([4, 4], [4, 4], threshold=0.5)
    fine, coarse = distillation.masks(batch)
    assert fine.shape == (2, 4, 4) and coarse.shape == (2, 2, 2)
    anchors = batch.student.rpn_head.prior_generator.grid_priors(
        [(8, 8), (4, 4), (2, 2)], device='cpu'
    )[1:]
    box = batch.boxes[0][0].tolist()
    overlaps = [
        torch.tensor([iou(box, anchor) for anchor in level.tolist()])
        for level in anchors
    ]
    best = max(level.max() for level in overlaps)
    for mask, level in zip((fine, coarse), overlaps, strict=True):
        near = (level > 0.5 * best).view(*mask.shape[1:], 3).any(-1)
        assert torch.equal(mask[0], near)
    assert fine[0].any()
    assert not fine[1].any() and not coarse[1].any()


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return both / (sum(areas) - both)


def test_forward_compares_standardised_targets_near_objects():
    batch = batches.batch([[[8, 0, 24, 16]], [[0, 0, 32, 30], [4, 4, 9, 9]]])
    distillation = FGFI([4, 4], [4, 4]).double()
    total, number = 0.0, 0
    for level, mask in enumerate(distillation.masks(batch)):
        out = distillation.adaptations[level](batch.feats[level])
        target = batch.targets[level]
        mean = target.mean((0, 2, 3), keepdim=True)
        std = target.var((0, 2, 3), keepdim=True, correction=0).add(1e-5).sqrt()
        for n, y, x in mask.nonzero().tolist():
            difference = out - (target - mean) / std
            total += difference[n, :, y, x].square().mean().item()
            number += 1
    assert number
    loss = distillation(batch)['loss']
    assert loss.item() == pytest.approx(total / (2 * number), rel=1e-12)


def test_images_without_objects_give_0():
    distillation = FGFI([4, 4], [4, 4]).double()
    loss = distillation(batches.batch([[], []]))['loss']
    assert loss == 0
    loss.backward()
    # Data-parallel training waits for all gradients.
    assert all(
        p.grad is not None and not p.grad.any() for p in distillation.parameters()
    )


def test_students_without_anchors_are_told_so():
    with pytest.raises(ValueError, match='needs a student with anchors'):
        FGFI([4, 4], [4, 4]).double()(batches.batch([[]], points=True))
