import pytest
import torch

from mmreviewkd.losses import OFDLoss


def test_by_hand():
    """Each pixel is a case of its own; the margin is the mean below zero, -2."""
    target = torch.tensor([2.0, -1.0, -3.0, -1.0, -3.0, -2.0])
    pred = torch.tensor([1.0, -5.0, -5.0, 3.0, 0.0, -2.0])
    expected = [
        1.0,  # positive: counts, whatever the student says
        0.0,  # negative, and the student below
        0.0,  # below the margin, and the student below that
        16.0,  # negative, but the student above
        4.0,  # cut off at the margin, and the student above that
        0.0,
    ]
    loss = OFDLoss()([pred.view(1, 1, 2, 3)], [target.view(1, 1, 2, 3)])
    assert loss.item() == pytest.approx(sum(expected) / 6)


def test_margin_is_the_channels_own():
    target = torch.tensor([[-1.0, -1.0], [-5.0, -5.0]]).view(1, 2, 1, 2)
    pred = torch.zeros(1, 2, 1, 2)
    assert OFDLoss()([pred], [target]).item() == pytest.approx((1 + 25) / 2)
