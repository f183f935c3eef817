import pytest
import torch

from mmreviewkd.losses import HCLLoss, KLDivLoss, L2DistillLoss
from mmreviewkd.losses.weighted_mse import weighted_mse


def maps(*shape):
    torch.manual_seed(0)
    return torch.randn(2, *shape, dtype=torch.double)


def plain(pred, target, weight):
    total = weights = 0.0
    for n in range(pred.shape[0]):
        for y in range(pred.shape[2]):
            for x in range(pred.shape[3]):
                w = weight[n, 0, y, x].item()
                weights += w
                for c in range(pred.shape[1]):
                    total += w * (pred[n, c, y, x] - target[n, c, y, x]).item() ** 2
    return total / (pred.shape[1] * weights)


def test_position_by_position():
    pred, target = maps(2, 3, 4, 5)
    weight = torch.rand(2, 1, 4, 5, dtype=torch.double)
    expected = plain(pred, target, weight)
    assert weighted_mse(pred, target, weight).item() == pytest.approx(expected)
    loss = L2DistillLoss()([pred], [target], [weight])
    assert loss.item() == pytest.approx(expected)


def test_no_weight_gives_0():
    pred, target = maps(1, 2, 2, 2)
    pred.requires_grad_()
    loss = weighted_mse(pred, target, torch.zeros(1, 1, 2, 2, dtype=torch.double))
    loss.backward()
    assert loss == 0 and not pred.grad.any()


@pytest.mark.parametrize('loss', [L2DistillLoss(), HCLLoss()])
def test_equal_weights_change_nothing(loss):
    pred, target = maps(2, 3, 8, 8)
    weight = torch.full((2, 1, 8, 8), 0.3, dtype=torch.double)
    torch.testing.assert_close(loss([pred], [target], [weight]), loss([pred], [target]))


def test_hcl_weighs_each_grid():
    pred, target = maps(2, 3, 4, 4)
    weight = torch.rand(2, 1, 4, 4, dtype=torch.double)
    expected, scale = plain(pred, target, weight), 1.0
    for size, factor in ((2, 0.5), (1, 0.25)):
        step = 4 // size
        pooled = [
            one.unfold(2, step, step).unfold(3, step, step).mean((-1, -2))
            for one in (pred, target, weight)
        ]
        expected += factor * plain(*pooled)
        scale += factor
    found = HCLLoss()([pred], [target], [weight])
    assert found.item() == pytest.approx(expected / scale)


def test_other_losses_cannot_weigh_positions():
    pred, target = maps(1, 2, 2, 2)
    with pytest.raises(ValueError, match='KLDivLoss cannot weigh .*L2DistillLoss'):
        KLDivLoss()([pred], [target], [torch.ones(1, 1, 2, 2)])
