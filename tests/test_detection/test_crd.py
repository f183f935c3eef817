import math

import batches
import pytest
import torch

from mmreviewkd.detection import CRD
from mmreviewkd.detection.crd import contrast


def test_by_hand():
    """Cosines: 1 and 0 for the first, 0.6 and 0.8 for the second."""
    preds = torch.tensor([[2.0, 0.0], [3.0, 4.0]])
    targets = torch.tensor([[1.0, 0.0], [0.0, 5.0]])
    t = 0.5
    rows = [[1 / t, 0.0], [0.6 / t, 0.8 / t]]
    expected = 0.0
    for matrix in (rows, list(zip(*rows, strict=True))):
        for own, row in enumerate(matrix):
            expected -= (row[own] - math.log(sum(map(math.exp, row)))) / 2
    assert contrast(preds, targets, t).item() == pytest.approx(expected)


def test_vectors_of_zeros_cannot_be_told_apart():
    zeros = torch.zeros(3, 2, requires_grad=True)
    loss = contrast(zeros, torch.zeros(3, 2), 0.07)
    loss.backward()
    assert loss.item() == pytest.approx(2 * math.log(3))
    assert torch.isfinite(zeros.grad).all()


def test_gradients():
    torch.manual_seed(0)
    preds, targets = torch.randn(2, 4, 3, dtype=torch.double)
    preds.requires_grad_()
    targets.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: contrast(a, b, 0.5), (preds, targets))


def test_embeddings_make_different_widths_comparable():
    batch = batches.batch([[[8, 0, 24, 16], [0, 0, 8, 8]], [[0, 0, 32, 30]]])
    batch.targets = tuple(target.repeat(1, 2, 1, 1) for target in batch.targets)
    distillation = CRD([4, 4], [8, 8], embed_channels=5).double()
    loss = distillation(batch)['loss']
    loss.backward()
    assert loss > 0
    assert all(p.grad.any() for p in distillation.parameters())


def test_no_objects():
    distillation = CRD([4, 4], [4, 4]).double()
    loss = distillation(batches.batch([[]]))['loss']
    loss.backward()
    assert loss == 0
    assert all(not p.grad.any() for p in distillation.parameters())
