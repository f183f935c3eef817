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


def test_levels_are_summed_with_their_weights():
    preds = [torch.full((1, 1, 8, 8), value) for value in (1.0, 2.0)]
    zeros = [torch.zeros(1, 1, 8, 8)] * 2
    loss = HCLLoss(level_weights=(1.0, 0.5))
    assert loss(preds, zeros).item() == pytest.approx(1 + 0.5 * 4)


def test_wrong_shape_names_the_level_and_both_shapes():
    preds = [torch.rand(1, 4, 8, 8), torch.rand(1, 4, 4, 4)]
    targets = [torch.rand(1, 4, 8, 8), torch.rand(1, 4, 5, 4)]
    with pytest.raises(ValueError, match=r'level 1.*\(1, 4, 4, 4\).*\(1, 4, 5, 4\)'):
        HCLLoss()(preds, targets)


def test_wrong_number_of_levels():
    maps = [torch.rand(1, 4, 8, 8)] * 3
    with pytest.raises(ValueError, match='3 student levels, 2 teacher levels'):
        HCLLoss()(maps, maps[:2])
    with pytest.raises(ValueError, match='2 level weights'):
        HCLLoss(level_weights=(1.0, 1.0))(maps, maps)


def test_half_precision_is_computed_in_float32():
    """The squares of these maps overflow in float16."""
    pred = torch.full((1, 1, 8, 8), 300.0, dtype=torch.float16)
    loss = HCLLoss()([pred], [-pred])
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(600.0**2)


def test_autocast_does_not_lower_the_precision():
    preds, targets = [torch.rand(2, 4, 8, 8)], [torch.rand(2, 4, 8, 8)]
    expected = HCLLoss()(preds, targets)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(HCLLoss()(preds, targets), expected)


def test_gradient():
    pred = torch.rand(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    target = torch.rand(1, 2, 5, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: HCLLoss()([x], [target]), pred)
