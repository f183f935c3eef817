"""Review, loss and gradients on the shapes of classifiers, by plain loops in float64.

Gradients are compared with differences of the plain loops' loss along a direction.
"""

import numpy as np
import pytest
import torch
from plain_review import plain_hcl, plain_review

from mmreviewkd.connectors import ReviewConnector
from mmreviewkd.losses import HCLLoss

NARROW, WIDE = [16, 32, 64, 64], [64, 128, 256, 256]
SIZES = [32, 16, 8, 1]
CASES = {
    'resnet56-20': (NARROW, NARROW, 64, SIZES),
    'resnet32x4-8x4': (WIDE, WIDE, 256, SIZES),
    'wrn40_2-40_1': (NARROW, [32, 64, 128, 128], 64, SIZES),
    'resnet32x4-shufflenet_v1': ([240, 480, 960, 960], WIDE, 512, [16, 8, 4, 1]),
}


def build(name):
    """Connector, the student's maps and the teacher's, in float64."""
    own, theirs, mid, sides = CASES[name]
    torch.manual_seed(0)
    connector = ReviewConnector(own, theirs, mid_channels=mid).double().train()
    for parameter in connector.parameters():
        if parameter.dim() == 1:  # Norm layers start alike, the attention without bias.
            torch.nn.init.normal_(parameter, 1, 0.5)
    feats, targets = (
        [
            torch.randn(3, channels, side, side, dtype=torch.double)
            for channels, side in zip(widths, sizes, strict=True)
        ]
        for widths, sizes in ((own, sides), (theirs, SIZES))
    )
    return connector, feats, targets


def arrays(tensors):
    return [tensor.detach().numpy() for tensor in tensors]


def plain_loss(state, feats, targets):
    sizes = [target.shape[2:] for target in targets]
    outs = plain_review(state, feats, sizes, training=True)
    return outs, sum(map(plain_hcl, outs, targets))


def slope(loss, step=1e-3):
    """Derivative at 0, by differences of fourth order."""
    one = loss(step) - loss(-step)
    two = loss(2 * step) - loss(-2 * step)
    return (8 * one - two) / (12 * step)


@pytest.mark.parametrize('name', CASES)
def test_maps_and_loss(name):
    connector, feats, targets = build(name)
    # Batch norm of 1x1 maps takes its statistics over the images alone.
    outs = connector(feats, [target.shape[2:] for target in targets])
    loss = HCLLoss()(outs, targets)
    state = {n: value.numpy() for n, value in connector.state_dict().items()}
    expected, expected_loss = plain_loss(state, arrays(feats), arrays(targets))
    for out, plain in zip(outs, expected, strict=True):
        np.testing.assert_allclose(out.detach().numpy(), plain, rtol=0, atol=1e-9)
    assert loss.item() == pytest.approx(expected_loss, rel=1e-9)


@pytest.mark.parametrize('name', ['resnet56-20', 'resnet32x4-shufflenet_v1'])
def test_gradients(name):
    connector, feats, targets = build(name)
    for feat in feats:
        feat.requires_grad_()
    sizes = [target.shape[2:] for target in targets]
    HCLLoss()(connector(feats, sizes), targets).backward()
    state = {n: value.numpy() for n, value in connector.state_dict().items()}
    parameters = dict(connector.named_parameters())
    rng = np.random.default_rng(0)
    # Everything moves at once, each tensor as far, by its norm, as the others.
    ways = {n: rng.standard_normal(p.shape) for n, p in parameters.items()}
    ways = {n: way / np.linalg.norm(way) for n, way in ways.items()}
    moves = [rng.standard_normal(feat.shape) for feat in feats]
    moves = [move / np.linalg.norm(move) for move in moves]

    def along(step):
        changed = [
            feat + step * move for feat, move in zip(arrays(feats), moves, strict=True)
        ]
        moved = {n: state[n] + step * way for n, way in ways.items()}
        return plain_loss({**state, **moved}, changed, arrays(targets))[1]

    found = sum(
        (feat.grad.numpy() * move).sum()
        for feat, move in zip(feats, moves, strict=True)
    ) + sum((p.grad.numpy() * ways[n]).sum() for n, p in parameters.items())
    assert found == pytest.approx(slope(along), rel=1e-9, abs=1e-9)
