"""What all losses on maps have in common, and their behaviour at the edges."""

import pytest
import torch
from torch import nn

from mmreviewkd.losses import (
    CosineDistillLoss,
    CWDLoss,
    FreeKDLoss,
    FSPLoss,
    HCLLoss,
    KLDivLoss,
    L2DistillLoss,
    LevelwiseLoss,
    OFDLoss,
    PKDLoss,
    PKTLoss,
    SPLoss,
    TorchdistillLoss,
    loss_by_level,
)


def test_levels_are_summed_with_their_weights():
    preds = [torch.full((1, 1, 8, 8), value) for value in (1.0, 2.0)]
    zeros = [torch.zeros(1, 1, 8, 8)] * 2
    assert L2DistillLoss()(preds, zeros).item() == pytest.approx(1 + 4)
    weighted = L2DistillLoss(level_weights=(1.0, 0.5))
    assert weighted(preds, zeros).item() == pytest.approx(1 + 0.5 * 4)


def test_loss_by_level():
    preds = [torch.full((1, 1, 8, 8), value) for value in (1.0, 2.0)]
    zeros = [torch.zeros(1, 1, 8, 8)] * 2
    l2 = L2DistillLoss(level_weights=(1.0, 0.5))
    assert loss_by_level(l2, preds, zeros) == [1.0, 2.0]
    assert loss_by_level(nn.MSELoss(), preds[1], zeros[1]) == [4.0]


def test_wrong_shape_names_the_level_and_both_shapes():
    preds = [torch.rand(1, 4, 8, 8), torch.rand(1, 4, 4, 4)]
    targets = [torch.rand(1, 4, 8, 8), torch.rand(1, 4, 5, 4)]
    with pytest.raises(ValueError, match=r'level 1.*\(1, 4, 4, 4\).*\(1, 4, 5, 4\)'):
        L2DistillLoss()(preds, targets)


def test_channels_may_differ_where_they_are_not_compared():
    pred, target = torch.rand(2, 4, 8, 8), torch.rand(2, 6, 8, 8)
    assert SPLoss()([pred], [target]) > 0
    with pytest.raises(ValueError, match=r'\(2, 6, 8, 8\), the teacher \(2, 6, 8, 9\)'):
        SPLoss()([target], [torch.rand(2, 6, 8, 9)])


def test_wrong_number_of_levels():
    maps = [torch.rand(1, 4, 8, 8)] * 3
    with pytest.raises(ValueError, match='3 student levels, 2 teacher levels'):
        L2DistillLoss()(maps, maps[:2])
    with pytest.raises(ValueError, match='2 level weights'):
        L2DistillLoss(level_weights=(1.0, 1.0))(maps, maps)


def test_no_levels():
    """A single level has no neighbour."""
    with pytest.raises(ValueError, match='FSPLoss got no levels to compare'):
        FSPLoss()([torch.rand(1, 4, 8, 8)], [torch.rand(1, 4, 8, 8)])


def test_half_precision_is_computed_in_float32():
    """The squares of these maps overflow in float16."""
    pred = torch.full((1, 1, 8, 8), 300.0, dtype=torch.float16)
    loss = L2DistillLoss()([pred], [-pred])
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(600.0**2)


LOSSES = [
    L2DistillLoss,
    HCLLoss,
    KLDivLoss,
    PKDLoss,
    CWDLoss,
    OFDLoss,
    FSPLoss,
    SPLoss,
    PKTLoss,
    CosineDistillLoss,
    FreeKDLoss,
]


def test_every_loss_on_maps_is_here():
    def family(cls):
        return {cls, *(s for sub in cls.__subclasses__() for s in family(sub))}

    ours = {cls for cls in family(LevelwiseLoss) if 'mmreviewkd' in cls.__module__}
    assert ours - {LevelwiseLoss, TorchdistillLoss} == {*LOSSES}


@pytest.mark.parametrize('images', (1, 2))
@pytest.mark.parametrize('make', (torch.zeros, torch.ones, torch.rand))
@pytest.mark.parametrize('loss', LOSSES)
def test_edges(loss, make, images):
    """Constant maps, one image and levels of one pixel: finite, with gradients."""
    sizes = ((3, 4), (2, 2), (1, 1))
    preds = [make(images, 4, *size, requires_grad=True) for size in sizes]
    targets = [torch.zeros(images, 4, *size) for size in sizes]
    value = loss()(preds, targets)
    value.backward()
    assert torch.isfinite(value) and value >= 0
    assert all(torch.isfinite(pred.grad).all() for pred in preds)


@pytest.mark.parametrize('loss', LOSSES)
def test_autocast_does_not_lower_the_precision(loss):
    sizes = ((8, 8), (4, 4))
    preds, targets = ([torch.rand(2, 4, *size) for size in sizes] for _ in range(2))
    loss = loss()
    expected = loss(preds, targets)
    assert expected > 0
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(loss(preds, targets), expected)


@pytest.mark.parametrize('loss', LOSSES)
def test_gradient(loss):
    torch.manual_seed(0)
    loss = loss()
    sizes = ((5, 6), (3, 3))
    preds, targets = (
        [torch.randn(2, 2, *size, dtype=torch.float64) for size in sizes]
        for _ in range(2)
    )
    assert torch.autograd.gradcheck(
        lambda *preds: loss(preds, targets), [pred.requires_grad_() for pred in preds]
    )
