"""The adapter, and the loss of torchdistill that a method's config uses."""

import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from toys import CONFIGS

from mmreviewkd.losses import TorchdistillLoss


@pytest.fixture
def attention_transfer():
    """The loss of AT's config."""
    pytest.importorskip('torchdistill', reason='torchdistill is not installed')
    loss = Config.fromfile(CONFIGS / 'methods/at.py').method.loss
    assert loss.pop('type') == 'TorchdistillLoss'
    return TorchdistillLoss(**loss)


def maps(channels, seed, images=3):
    torch.manual_seed(seed)
    sizes = ((8, 12), (4, 6), (1, 1))
    return [torch.randn(images, channels, *size, dtype=torch.float64) for size in sizes]


def test_attention_transfer_by_definition(attention_transfer):
    """The distance of the levels' attention maps; the teacher has other channels."""
    preds, targets = maps(2, seed=0), maps(5, seed=1)

    def attention(feat):
        energy = (feat.numpy() ** 2).sum(1).reshape(len(feat), -1)
        return energy / np.linalg.norm(energy, axis=1, keepdims=True)

    expected = sum(
        np.linalg.norm(attention(pred) - attention(target), axis=1).mean()
        for pred, target in zip(preds, targets, strict=True)
    )
    assert attention_transfer(preds, targets).item() == pytest.approx(expected)
    assert expected > 0.1


def test_levels_have_weights(attention_transfer):
    preds, targets = maps(2, seed=0), maps(5, seed=1)
    first = attention_transfer(preds[:1], targets[:1])
    attention_transfer.level_weights = (3.0, 0.0, 0.0)
    torch.testing.assert_close(attention_transfer(preds, targets), 3 * first)


def test_gradient(attention_transfer):
    targets = maps(3, seed=1)[1:]
    preds = [pred.requires_grad_() for pred in maps(2, seed=0)[1:]]
    assert torch.autograd.gradcheck(
        lambda *preds: attention_transfer(preds, targets), preds
    )


def test_autocast_does_not_lower_the_precision(attention_transfer):
    preds, targets = ([f.float() for f in maps(3, seed)] for seed in (0, 1))
    expected = attention_transfer(preds, targets)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(attention_transfer(preds, targets), expected)


@pytest.mark.parametrize('make', (torch.zeros_like, torch.ones_like))
def test_edges(attention_transfer, make):
    """Constant maps, one image and a level of one pixel: finite, with gradients."""
    preds = [make(feat).requires_grad_() for feat in maps(2, seed=0, images=1)]
    loss = attention_transfer(preds, [torch.zeros_like(pred) for pred in preds])
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(pred.grad).all() for pred in preds)


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'torchdistill', None)
    monkeypatch.setitem(sys.modules, 'torchdistill.losses', None)
    with pytest.raises(ImportError, match='ATLoss.*pip install torchdistill'):
        TorchdistillLoss(dict(type='ATLoss'))


def test_unknown_loss_is_named():
    pytest.importorskip('torchdistill', reason='torchdistill is not installed')
    with pytest.raises(ValueError, match='no loss ATTLoss'):
        TorchdistillLoss(dict(type='ATTLoss'))
