"""The stand-ins for mmcv's operators, against mmcv's numbers and against float64."""

import pytest
import torch
import torch.nn.functional as F
from mmcv.ops import (
    MaskedConv2d,
    RoIAlign,
    batched_nms,
    carafe,
    deform_conv2d,
    deform_roi_pool,
    modulated_deform_conv2d,
    nms,
    nms_match,
    sigmoid_focal_loss,
    soft_nms,
)
from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction

# Relative to the largest number: a rounding of the inputs, and one of the outputs.
TOLERANCES = {torch.float32: 1e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}


@pytest.fixture
def values(golden, device):
    return {name: value.to(device) for name, value in golden('mmcv_ops.npz').items()}


def assert_near(actual, expected, dtype):
    expected = expected.to(actual.device, torch.float64)
    tolerance = TOLERANCES[dtype] * expected.abs().max().item()
    torch.testing.assert_close(actual.double(), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize('dtype', TOLERANCES)
def test_roi_align_equals_mmcvs(values, dtype):
    feat = values['feat'].to(dtype).requires_grad_()
    rois = values['rois']
    align = RoIAlign((7, 7), spatial_scale=0.25, sampling_ratio=0)
    # As under autocast: only the maps are in half precision.
    out = align(feat, rois.to(dtype) if dtype == torch.float32 else rois)
    assert out.dtype == dtype
    assert_near(out, values['roi_align_out'], dtype)
    out.float().pow(2).sum().backward()
    assert_near(feat.grad, values['roi_align_grad'], dtype)


def test_nms_equals_mmcvs(values):
    boxes, scores = values['boxes'], values['scores']
    dets, keep = nms(boxes, scores, iou_threshold=0.7)
    assert torch.equal(keep, values['nms_keep'])
    torch.testing.assert_close(dets, values['nms_dets'], atol=1e-6, rtol=0)
    dets, keep = batched_nms(
        boxes, scores, values['idxs'], dict(type='nms', iou_threshold=0.5)
    )
    assert torch.equal(keep, values['batched_nms_keep'])
    torch.testing.assert_close(dets, values['batched_nms_dets'], atol=1e-6, rtol=0)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_nms_in_half_precision(device, dtype):
    boxes = torch.tensor([[0, 0, 8, 8], [0, 0, 8, 7], [8, 8, 16, 16]], dtype=dtype)
    scores = torch.tensor([0.5, 0.75, 0.25], dtype=dtype)
    dets, keep = nms(boxes.to(device), scores.to(device), 0.5)
    assert keep.tolist() == [1, 2]
    assert dets.dtype == dtype and dets.device.type == device.type


def test_soft_nms_and_nms_match_by_hand(device):
    # IoU 6 / 10, just the threshold.
    boxes = torch.tensor([[0.0, 0.0, 6.0, 1.0], [0.0, 0.0, 10.0, 1.0], [20, 0, 21, 1]])
    scores = torch.tensor([0.5, 1.0, 0.3])
    dets, inds = soft_nms(boxes.to(device), scores.to(device), 0.6, method='linear')
    assert inds.tolist() == [1, 2, 0]
    expected = torch.tensor([1.0, 0.3, 0.5 * 0.4], device=device)
    torch.testing.assert_close(dets[:, 4], expected)
    rows = torch.cat([boxes, scores[:, None]], 1).to(device)
    assert [group.tolist() for group in nms_match(rows, 0.6)] == [[1, 0], [2]]


def random(*shape, scale=1.0):
    return scale * torch.randn(*shape, dtype=torch.float64)


def attend(value, locations, weights):
    shapes = torch.tensor([[3, 4], [2, 2]], device=value.device)
    starts = torch.tensor([0, 12], device=value.device)
    return MultiScaleDeformableAttnFunction.apply(
        value, shapes, starts, locations, weights, 64
    )


def focal(logits):
    target = torch.tensor([0, 1, 2, 3, 3, 0], device=logits.device)
    return sigmoid_focal_loss(logits, target, 2.0, 0.25, None, 'none')


def pool(input, offset):
    rois = [[1, 2, 1, 14, 9], [0, 1, 1, 4, 12], [0, 9, 8, 20, 17]]
    rois = torch.tensor(rois, dtype=input.dtype, device=input.device)
    return deform_roi_pool(input, rois, offset, (2, 3), 0.5, 2, 0.2)


# Each with its inputs, all of which get a gradient.
OPERATORS = {
    'carafe': (
        lambda *inputs: carafe(*inputs, 3, 2, 2),
        lambda: (random(2, 4, 3, 4), torch.rand(2, 18, 6, 8).double()),
    ),
    'deform_conv2d': (
        lambda *inputs: deform_conv2d(*inputs, 1, 1, 1, 2, 2),
        lambda: (random(2, 4, 5, 4), random(2, 36, 5, 4), random(2, 2, 3, 3)),
    ),
    'modulated_deform_conv2d': (
        lambda *inputs: modulated_deform_conv2d(*inputs, 1, 1, 1, 2, 2),
        lambda: (
            random(2, 4, 5, 4),
            random(2, 36, 5, 4),
            torch.rand(2, 18, 5, 4).double(),
            random(2, 2, 3, 3),
            random(2),
        ),
    ),
    'deform_roi_pool': (pool, lambda: (random(2, 2, 7, 8), random(3, 2, 2, 3))),
    'ms_deform_attn': (
        attend,
        lambda: (
            random(2, 16, 2, 3),
            torch.rand(2, 3, 2, 2, 2, 2).double() * 1.6 - 0.3,
            torch.rand(2, 3, 2, 2, 2).double(),
        ),
    ),
    'sigmoid_focal_loss': (focal, lambda: (random(6, 3, scale=3.0),)),
}


@pytest.mark.parametrize('dtype', TOLERANCES)
@pytest.mark.parametrize('name', OPERATORS)
def test_equals_float64_on_the_cpu(name, dtype, device):
    """Forward and backward, with the inputs as the precision rounds them."""
    run, make = OPERATORS[name]
    torch.manual_seed(0)
    rounded = [one.to(dtype) for one in make()]
    exact = [one.double().requires_grad_() for one in rounded]
    given = [one.detach().to(device).requires_grad_() for one in rounded]
    expected, got = run(*exact), run(*given)
    assert got.dtype == dtype and got.device.type == device.type
    assert_near(got, expected, dtype)
    factors = torch.randn_like(expected).to(dtype)
    (expected * factors.double()).sum().backward()
    (got * factors.to(device)).sum().backward()
    for one, other in zip(given, exact, strict=True):
        assert_near(one.grad, other.grad, dtype)


def test_masked_convolution(device):
    torch.manual_seed(0)
    conv = MaskedConv2d(3, 4, 3, padding=1).eval().to(device)
    x, mask = torch.randn(1, 3, 6, 7), torch.rand(1, 6, 7) > 0.5
    x, mask = x.to(device), mask.to(device)
    expected = F.conv2d(x, conv.weight, conv.bias, padding=1)
    # On a GPU one of the two may be in TF32.
    torch.testing.assert_close(conv(x, mask), expected * mask, rtol=0, atol=2e-3)
