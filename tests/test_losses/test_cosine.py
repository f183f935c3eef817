import pytest
import torch

from mmreviewkd.losses import CosineDistillLoss


def test_by_hand():
    """Cosines 0.6 and 0."""
    pred = torch.tensor([[3.0, 0.0], [4.0, 2.0]]).view(1, 2, 1, 2)
    target = torch.tensor([[2.0, 5.0], [0.0, 0.0]]).view(1, 2, 1, 2)
    assert CosineDistillLoss()([pred], [target]).item() == pytest.approx(0.7)


def test_scales_do_not_matter():
    torch.manual_seed(0)
    target = torch.randn(2, 4, 3, 3)
    assert CosineDistillLoss()([7 * target], [target]).item() == pytest.approx(
        0, abs=1e-6
    )


def test_vectors_of_zeros():
    pred = torch.zeros(1, 2, 2, 2, requires_grad=True)
    loss = CosineDistillLoss()([pred], [torch.rand(1, 2, 2, 2)])
    loss.backward()
    assert loss == 1 and torch.isfinite(pred.grad).all()
