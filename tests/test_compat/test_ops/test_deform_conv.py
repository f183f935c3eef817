from itertools import product

import pytest
import torch
from mmcv.ops import DeformConv2dPack, deform_conv2d
from sampling import bilinear

# Different along y and x, so that none can be taken for the other.
GEOMETRY = dict(stride=(2, 1), padding=(1, 2), dilation=(1, 2))


def plain_deform_conv(input, offset, weight, geometry, groups, deform_groups):
    """Dai et al., Deformable Convolutional Networks, equation 2."""
    (stride_y, stride_x), (pad_y, pad_x), (dilation_y, dilation_x) = geometry.values()
    (images, channels), (filters, _, rows, columns) = input.shape[:2], weight.shape
    output = torch.zeros(images, filters, *offset.shape[2:], dtype=torch.float64)
    for n, d, out_y, out_x in product(*map(range, output.shape)):
        first = d // (filters // groups) * (channels // groups)
        for c in range(channels // groups):
            group = (first + c) // (channels // deform_groups)
            for i in range(rows):
                for j in range(columns):
                    place = 2 * ((group * rows + i) * columns + j)
                    move_y, move_x = offset[n, place : place + 2, out_y, out_x]
                    y = out_y * stride_y - pad_y + i * dilation_y + move_y
                    x = out_x * stride_x - pad_x + j * dilation_x + move_x
                    value = bilinear(input[n, first + c], float(y), float(x))
                    output[n, d, out_y, out_x] += weight[d, c, i, j] * value
    return output


def make(groups=2, deform_groups=2):
    torch.manual_seed(0)
    input = torch.randn(2, 4, 5, 4, dtype=torch.float64)
    weight = torch.randn(2, 4 // groups, 2, 3, dtype=torch.float64)
    # Some reach beyond the border.
    offset = torch.randn(2, 2 * deform_groups * 6, 3, 4, dtype=torch.float64) * 2
    return input, offset, weight


@pytest.mark.parametrize('groups, deform_groups', [(1, 1), (2, 1), (1, 2), (2, 4)])
def test_equals_plain_loops(groups, deform_groups):
    tensors = make(groups, deform_groups)
    expected = plain_deform_conv(*tensors, GEOMETRY, groups, deform_groups)
    got = deform_conv2d(*tensors, *GEOMETRY.values(), groups, deform_groups)
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize('im2col_step', [1, 32])
def test_gradients_are_those_of_the_output(im2col_step):
    def run(*tensors):
        return deform_conv2d(*tensors, *GEOMETRY.values(), 2, 2, False, im2col_step)

    assert torch.autograd.gradcheck(run, [t.requires_grad_() for t in make()])


def test_gradient_of_the_weight_alone():
    input, offset, weight = make()
    weights = [weight.clone().requires_grad_() for _ in range(2)]
    out = deform_conv2d(input, offset, weights[0], *GEOMETRY.values(), 2, 2)
    out.sum().backward()
    out = deform_conv2d(
        input.requires_grad_(), offset, weights[1], *GEOMETRY.values(), 2, 2
    )
    out.sum().backward()
    assert torch.equal(weights[0].grad, weights[1].grad)
    assert input.grad.any()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_low_precision(dtype, standin):
    low = [tensor.to(dtype).requires_grad_() for tensor in make()]
    exact = [tensor.detach().float().requires_grad_() for tensor in low]
    got, expected = (
        deform_conv2d(*tensors, *GEOMETRY.values(), 2, 2) for tensors in (low, exact)
    )
    assert got.dtype == dtype
    assert torch.equal(got, expected.to(dtype))
    got.sum().backward()
    expected.sum().backward()
    for tensor, other in zip(low, exact, strict=True):
        assert torch.equal(tensor.grad, other.grad.to(dtype))


def test_module_without_offsets_is_a_convolution():
    """As it starts: mmcv sets the layer that finds the offsets to zero."""
    torch.manual_seed(0)
    module = DeformConv2dPack(4, 6, 3, padding=1, groups=2, deform_groups=2)
    x = torch.randn(2, 4, 7, 6)
    expected = torch.nn.functional.conv2d(x, module.weight, padding=1, groups=2)
    torch.testing.assert_close(module(x), expected)


def test_unknown_offsets_give_unknown_values(standin):
    """Rather than the end of the process, as when a training diverges."""
    input, offset, weight = make()
    known = deform_conv2d(input, offset, weight, *GEOMETRY.values(), 2, 2)
    offset[1, 5, 2, 3] = torch.nan
    offset.requires_grad_()
    got = deform_conv2d(input, offset, weight, *GEOMETRY.values(), 2, 2)
    known[1, :, 2, 3] = torch.nan
    torch.testing.assert_close(got, known, equal_nan=True)
    got.sum().backward()
