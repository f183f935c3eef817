import math

import pytest
import torch

from mmreviewkd.losses import CWDLoss


def test_two_pixels_by_hand():
    """One channel, two pixels: a Bernoulli distribution for each map."""
    pred = torch.tensor([0.0, math.log(3.0)], dtype=torch.float64).view(1, 1, 1, 2)
    target = torch.zeros(1, 1, 1, 2, dtype=torch.float64)
    # From (1/2, 1/2) to (1/4, 3/4).
    expected = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    assert CWDLoss()([pred], [target]).item() == pytest.approx(expected)


def test_temperature_by_hand():
    pred = torch.tensor([0.0, math.log(9.0)], dtype=torch.float64).view(1, 1, 1, 2)
    target = torch.zeros(1, 1, 1, 2, dtype=torch.float64)
    # At temperature 2 as above, log 9 being twice log 3; times its square.
    expected = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    assert CWDLoss(tau=2)([pred], [target]).item() == pytest.approx(4 * expected)


def test_averaged_over_images_and_channels():
    torch.manual_seed(0)
    pred, target = torch.randn(2, 2, 3, 4, 5, dtype=torch.float64)
    loss = CWDLoss()
    single = [
        loss([pred[n : n + 1, c : c + 1]], [target[n : n + 1, c : c + 1]])
        for n in range(2)
        for c in range(3)
    ]
    torch.testing.assert_close(loss([pred], [target]), sum(single) / 6)


def test_offsets_do_not_matter():
    torch.manual_seed(0)
    target = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    loss = CWDLoss()
    assert loss([target + 7], [target]).item() == pytest.approx(0, abs=1e-12)
    assert loss([2 * target], [target]).item() > 0.01
