import pytest
import torch

from mmreviewkd.losses import HCLLoss


def test_constant_difference_by_hand():
    """Pooling keeps a constant difference: every term is its square."""
    pred, target = torch.full((2, 3, 8, 8), 3.0), torch.full((2, 3, 8, 8), 1.0)
    assert HCLLoss()([pred], [target]).item() == pytest.approx(4.0)


def test_checkerboard_by_hand():
    """A checkerboard of +-1 vanishes in every pooled map but not in the full one."""
    board = torch.ones(1, 1, 8, 8)
    board[..., ::2, 1::2] = board[..., 1::2, ::2] = -1
    expected = 1 / (1 + 1 / 2 + 1 / 4 + 1 / 8)
    assert HCLLoss()([board], [torch.zeros_like(board)]).item() == pytest.approx(
        expected
    )


def test_grids_not_smaller_than_the_map_are_left_out():
    """On a map 2 pixels high only the 1x1 grid remains, at half weight."""
    pred = torch.tensor([[1.0, -1.0], [1.0, 1.0]])[None, None]
    # Full map: 1; mean: 1/2, squared 1/4; weights 1 and 1/2.
    expected = (1 + 0.5 * 0.25) / 1.5
    assert HCLLoss()([pred], [torch.zeros_like(pred)]).item() == pytest.approx(expected)
