import math

import pytest
import torch

from mmreviewkd.losses import KLDivLoss
from mmreviewkd.losses.kl import standardize_logits


def bernoulli(odds):
    """One position, two channels: a Bernoulli distribution."""
    return torch.tensor([0.0, math.log(odds)], dtype=torch.float64).view(1, 2, 1, 1)


EXPECTED = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
"""From (1/2, 1/2) to (1/4, 3/4)."""


def test_two_channels_by_hand():
    loss = KLDivLoss()([bernoulli(3)], [bernoulli(1)])
    assert loss.item() == pytest.approx(EXPECTED)


def test_temperature_by_hand():
    """At temperature 2 as above, log 9 being twice log 3; times its square."""
    loss = KLDivLoss(tau=2.0)([bernoulli(9)], [bernoulli(1)])
    assert loss.item() == pytest.approx(4 * EXPECTED)


def test_averaged_over_images_and_positions():
    torch.manual_seed(0)
    pred, target = torch.randn(2, 2, 3, 4, 5, dtype=torch.float64)
    loss = KLDivLoss()
    single = [
        loss([pred[n, :, h, w].view(1, 3, 1, 1)], [target[n, :, h, w].view(1, 3, 1, 1)])
        for n in range(2)
        for h in range(4)
        for w in range(5)
    ]
    torch.testing.assert_close(loss([pred], [target]), sum(single) / 40)


def test_offsets_of_a_position_do_not_matter():
    torch.manual_seed(0)
    target = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    offsets = torch.randn(2, 1, 4, 5, dtype=torch.float64)
    assert KLDivLoss()([target + offsets], [target]).item() == pytest.approx(0)
    assert KLDivLoss()([2 * target], [target]).item() > 0.01


def test_gradient_is_the_difference_of_probabilities():
    pred = bernoulli(3).requires_grad_()
    KLDivLoss()([pred], [bernoulli(1)]).backward()
    expected = torch.tensor([0.25 - 0.5, 0.75 - 0.5], dtype=torch.float64)
    torch.testing.assert_close(pred.grad.flatten(), expected)


def test_large_logits_stay_finite():
    pred = torch.tensor([1e4, -1e4]).view(1, 2, 1, 1).requires_grad_()
    loss = KLDivLoss()([pred], [-pred.detach()])
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(pred.grad).all()


def test_standardised_logits_by_hand():
    """Mean 3, deviation 2: -1, 0 and 1 times the square root of 3/2."""
    rows = torch.tensor([[1.0, 3.0, 5.0], [2.0, 2.0, 2.0]], dtype=torch.float64)
    found = standardize_logits(rows)
    expected = math.sqrt(1.5)
    assert found[0].tolist() == pytest.approx([-expected, 0, expected])
    assert found[1].tolist() == [0, 0, 0]


def test_standardised_logits_have_no_range():
    torch.manual_seed(0)
    target = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    loss = KLDivLoss(tau=2.0, standardize=True)
    assert loss([7 * target + 3], [target]).item() == pytest.approx(0, abs=1e-9)
    assert loss([target.flip(1)], [target]) > 0.01
