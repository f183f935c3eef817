from itertools import product

import pytest
import torch
from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction
from sampling import bilinear

pytestmark = pytest.mark.usefixtures('standin')  # the compiled one is for GPUs only
SHAPES = torch.tensor([[3, 4], [2, 2]])
STARTS = torch.tensor([0, 12])


def plain_attention(value, locations, weights):
    """Zhu et al., Deformable DETR, equation 3, without its projections."""
    images, _, heads, channels = value.shape
    queries, points = locations.shape[1], locations.shape[4]
    output = torch.zeros(images, queries, heads, channels, dtype=torch.float64)
    for n, q, m, c in product(*map(range, output.shape)):
        for level, (height, width) in enumerate(SHAPES.tolist()):
            start = int(STARTS[level])
            image = value[n, start : start + height * width, m, c]
            for k in range(points):
                x, y = locations[n, q, m, level, k].tolist()
                # 0 and 1 are the outer borders of the first and last pixel.
                got = bilinear(
                    image.reshape(height, width), y * height - 0.5, x * width - 0.5
                )
                output[n, q, m, c] += weights[n, q, m, level, k] * got
    return output.flatten(2)


def make():
    torch.manual_seed(0)
    value = torch.randn(2, 16, 2, 3, dtype=torch.float64)
    # Some reach beyond the border.
    locations = torch.rand(2, 3, 2, 2, 2, 2, dtype=torch.float64) * 1.6 - 0.3
    weights = torch.rand(2, 3, 2, 2, 2, dtype=torch.float64)
    return value, locations, weights


def attend(value, locations, weights, im2col_step=64):
    return MultiScaleDeformableAttnFunction.apply(
        value, SHAPES, STARTS, locations, weights, im2col_step
    )


def test_equals_plain_loops():
    torch.testing.assert_close(attend(*make()), plain_attention(*make()))


def test_gradients_are_those_of_the_output():
    assert torch.autograd.gradcheck(attend, [t.requires_grad_() for t in make()])


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_low_precision(dtype):
    low = [tensor.to(dtype).requires_grad_() for tensor in make()]
    exact = [tensor.detach().float().requires_grad_() for tensor in low]
    got, expected = attend(*low), attend(*exact)
    assert got.dtype == dtype
    assert torch.equal(got, expected.to(dtype))
    got.sum().backward()
    expected.sum().backward()
    for tensor, other in zip(low, exact, strict=True):
        assert torch.equal(tensor.grad, other.grad.to(dtype))
