import pytest
import torch

from mmreviewkd.losses import HCLLoss, OnStandardizedTargets


@pytest.fixture
def standardized():
    return OnStandardizedTargets(dict(type='HCLLoss'))


def test_targets_by_hand(standardized):
    """Offset and scale of a teacher's channel do not matter."""
    target = torch.randn(2, 3, 8, 8)
    target = target - target.mean((0, 2, 3), keepdim=True)
    target = target / target.var((0, 2, 3), keepdim=True, correction=0).sqrt()
    scale = torch.tensor([0.5, 3.0, 100.0]).view(1, 3, 1, 1)
    pred = torch.randn(2, 3, 8, 8)
    expected = HCLLoss()([pred], [target])
    loss = standardized([pred], [target * scale + 7 * scale])
    torch.testing.assert_close(loss, expected, rtol=1e-3, atol=1e-5)


def test_constant_channel_is_zero(standardized):
    """A channel that never varies asks for zeros, not for infinities."""
    target = torch.full((2, 1, 8, 8), 5.0)
    zeros = torch.zeros_like(target)
    assert standardized([zeros], [target]).item() == pytest.approx(0, abs=1e-6)


def test_loss_of_each_level(standardized):
    preds, targets = ([torch.rand(2, 3, side, side) for side in (8, 4)] for _ in '12')
    expected = [standardized([p], [t]) for p, t in zip(preds, targets, strict=True)]
    assert standardized.by_level(preds, targets) == expected
    assert standardized(preds, targets) == sum(expected)
