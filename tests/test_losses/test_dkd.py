import math

import pytest
import torch

from mmreviewkd.losses.dkd import decoupled_divergence
from mmreviewkd.losses.kl import divergence


def softmax(row):
    exps = [math.exp(value) for value in row]
    return [value / sum(exps) for value in exps]


def kl(target, pred):
    return sum(p * math.log(p / q) for p, q in zip(target, pred, strict=True))


@pytest.mark.parametrize('tau', [1.0, 4.0])
def test_row_by_row(tau):
    torch.manual_seed(0)
    preds, targets = torch.randn(2, 5, 4, dtype=torch.double)
    labels = torch.tensor([0, 3, 1, 2, 3])
    found = decoupled_divergence(preds, targets, labels, 0.5, 3.0, tau)
    for pred, target, label, value in zip(preds, targets, labels, found, strict=True):
        p, q = (softmax([z / tau for z in x.tolist()]) for x in (target, pred))
        true = kl([p[label], 1 - p[label]], [q[label], 1 - q[label]])
        del p[label], q[label]
        p, q = ([value / sum(x) for value in x] for x in (p, q))
        expected = tau**2 * (0.5 * true + 3.0 * kl(p, q))
        assert value.item() == pytest.approx(expected)


def test_with_the_teachers_own_weight_it_is_the_divergence():
    torch.manual_seed(0)
    pred, target = torch.randn(2, 1, 4, dtype=torch.double)
    beta = 1 - target.softmax(1)[0, 2].item()
    found = decoupled_divergence(pred, target, torch.tensor([2]), 1.0, beta, 1.0)
    torch.testing.assert_close(found[0], divergence(pred, target, 1.0))


def test_scores_of_any_size():
    targets = 300 * torch.tensor([[1.0, -1.0, 0.5], [-1.0, 1.0, 1.0]])
    preds = (-targets).requires_grad_()
    loss = decoupled_divergence(preds, targets, torch.tensor([0, 1])).sum()
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(preds.grad).all()
    same = decoupled_divergence(targets, targets, torch.tensor([0, 1]))
    assert not same.any()
