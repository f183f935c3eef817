import batches
import pytest
import torch

from mmreviewkd.detection.fgfi import FGFI, imitation_loss
from mmreviewkd.detection.near_anchors import near_masks


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


def test_forward_compares_standardised_targets_near_objects():
    batch = batches.batch([[[8, 0, 24, 16]], [[0, 0, 32, 30], [4, 4, 9, 9]]])
    distillation = FGFI([4, 4], [4, 4]).double()
    total, number = 0.0, 0
    for level, mask in enumerate(near_masks(batch, 0.5, 'FGFI')):
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
    with pytest.raises(ValueError, match='FGFI needs a student with anchors'):
        FGFI([4, 4], [4, 4]).double()(batches.batch([[]], points=True))
