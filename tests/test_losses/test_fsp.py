import pytest
import torch

from mmreviewkd.losses import FSPLoss
from mmreviewkd.losses.fsp import flows


def test_flow_by_hand():
    """The largest of four pixels meets the one pixel of the coarser level."""
    fine = torch.tensor([[1.0, 2.0], [3.0, -9.0]]).view(1, 1, 2, 2)
    coarse = torch.tensor([2.0, -1.0]).view(1, 2, 1, 1)
    (flow,) = flows([fine, coarse])
    assert flow.tolist() == [[[6.0, -3.0]]]


def test_flow_is_averaged_over_the_positions():
    fine, coarse = torch.rand(2, 3, 4, 6), torch.rand(2, 5, 4, 6)
    (flow,) = flows([fine, coarse])
    assert flow.shape == (2, 3, 5)
    expected = (fine[1, 2] * coarse[1, 4]).mean()
    torch.testing.assert_close(flow[1, 2, 4], expected)


def test_neighbours_are_compared():
    ones = [torch.ones(1, 2, size, size) for size in (4, 2, 1)]
    double = [2 * feat for feat in ones]
    # Two flows of 4 against 1 everywhere.
    assert FSPLoss()(double, ones).item() == pytest.approx(2 * 9)
    weighted = FSPLoss(level_weights=(1.0, 0.5))
    assert weighted(double, ones).item() == pytest.approx(1.5 * 9)
