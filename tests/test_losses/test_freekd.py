import pytest
import torch

from mmreviewkd.losses import FreeKDLoss
from mmreviewkd.losses.freekd import haar


def test_haar_by_hand():
    feat = torch.tensor([[1.0, 2.0], [3.0, 8.0]]).view(1, 1, 2, 2)
    low, high = haar(feat)
    assert low.item() == 7.0
    assert high.flatten().tolist() == [-3.0, -4.0, 2.0]


def test_haar_keeps_the_energy():
    torch.manual_seed(0)
    feat = torch.randn(2, 3, 6, 8, dtype=torch.double)
    low, high = haar(feat)
    energy = low.square().sum() + high.square().sum()
    torch.testing.assert_close(energy, feat.square().sum())


def test_odd_sides_are_extended():
    low, high = haar(torch.ones(1, 1, 3, 5))
    assert low.shape == (1, 1, 2, 3) and not high.any()


def plain(grid, scales):
    """One channel as a list of rows, with even sides down to one position."""
    total = 0.0
    for _ in range(scales):
        if len(grid) == 1:
            break
        low, high = [], []
        for y in range(0, len(grid), 2):
            row = []
            for x in range(0, len(grid), 2):
                a, b = grid[y][x : x + 2]
                c, d = grid[y + 1][x : x + 2]
                row.append((a + b + c + d) / 2)
                high += [abs(a + c - b - d) / 2, abs(a + b - c - d) / 2]
                high += [abs(a + d - b - c) / 2]
            low.append(row)
        total += sum(high) / len(high)
        grid = low
    return total


@pytest.mark.parametrize('side, scales', [(8, 3), (8, 2), (4, 3)])
def test_as_in_plain_loops(side, scales):
    torch.manual_seed(0)
    pred, target = torch.randn(2, 1, 1, side, side, dtype=torch.double)
    loss = FreeKDLoss(scales)([pred], [target])
    expected = plain((pred - target)[0, 0].tolist(), scales)
    assert loss.item() == pytest.approx(expected)


def test_low_frequencies_are_free():
    torch.manual_seed(0)
    target = torch.randn(2, 3, 8, 8, dtype=torch.double)
    assert FreeKDLoss()([target + 3], [target]).item() == pytest.approx(0, abs=1e-12)


def test_one_position_has_no_high_frequency():
    pred = torch.rand(2, 3, 1, 1, requires_grad=True)
    loss = FreeKDLoss()([pred], [torch.rand(2, 3, 1, 1)])
    loss.backward()
    assert loss == 0 and not pred.grad.any()
