from itertools import product

import pytest
import torch
from mmcv.ops import modulated_deform_conv2d
from sampling import bilinear

# Different along y and x, so that none can be taken for the other.
GEOMETRY = dict(stride=(1, 2), padding=(2, 1), dilation=(2, 1))


def plain_modulated(input, offset, mask, weight, bias, geometry, groups, deform_groups):
    """Zhu et al., Deformable ConvNets v2, equation 1."""
    (stride_y, stride_x), (pad_y, pad_x), (dilation_y, dilation_x) = geometry.values()
    (images, channels), (filters, _, rows, columns) = input.shape[:2], weight.shape
    output = bias.reshape(1, -1, 1, 1).repeat(images, 1, *offset.shape[2:])
    for n, d, out_y, out_x in product(*map(range, output.shape)):
        first = d // (filters // groups) * (channels // groups)
        for c in range(channels // groups):
            group = (first + c) // (channels // deform_groups)
            for i in range(rows):
                for j in range(columns):
                    place = (group * rows + i) * columns + j
                    move_y = offset[n, 2 * place, out_y, out_x]
                    move_x = offset[n, 2 * place + 1, out_y, out_x]
                    y = out_y * stride_y - pad_y + i * dilation_y + move_y
                    x = out_x * stride_x - pad_x + j * dilation_x + move_x
                    value = bilinear(input[n, first + c], float(y), float(x))
                    value = mask[n, place, out_y, out_x] * value
                    output[n, d, out_y, out_x] += weight[d, c, i, j] * value
    return output


def make(groups=2, deform_groups=2):
    torch.manual_seed(0)
    input = torch.randn(2, 4, 4, 5, dtype=torch.float64)
    # Some reach beyond the border.
    offset = torch.randn(2, 2 * deform_groups * 6, 4, 3, dtype=torch.float64) * 2
    mask = torch.rand(2, deform_groups * 6, 4, 3, dtype=torch.float64)
    weight = torch.randn(2, 4 // groups, 3, 2, dtype=torch.float64)
    bias = torch.randn(2, dtype=torch.float64)
    return input, offset, mask, weight, bias


@pytest.mark.parametrize('groups, deform_groups', [(1, 1), (2, 1), (1, 2), (2, 4)])
def test_equals_plain_loops(groups, deform_groups):
    tensors = make(groups, deform_groups)
    expected = plain_modulated(*tensors, GEOMETRY, groups, deform_groups)
    got = modulated_deform_conv2d(*tensors, *GEOMETRY.values(), groups, deform_groups)
    torch.testing.assert_close(got, expected)


def test_without_bias():
    tensors = make()[:-1]
    expected = plain_modulated(*tensors, torch.zeros(2).double(), GEOMETRY, 2, 2)
    got = modulated_deform_conv2d(*tensors, None, *GEOMETRY.values(), 2, 2)
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize('with_bias', [True, False])
def test_gradients_are_those_of_the_output(with_bias):
    def run(*tensors):
        bias = () if with_bias else (None,)
        return modulated_deform_conv2d(*tensors, *bias, *GEOMETRY.values(), 2, 2)

    tensors = make() if with_bias else make()[:-1]
    assert torch.autograd.gradcheck(run, [t.requires_grad_() for t in tensors])


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_low_precision(dtype, standin):
    low = [tensor.to(dtype).requires_grad_() for tensor in make()]
    exact = [tensor.detach().float().requires_grad_() for tensor in low]
    got, expected = (
        modulated_deform_conv2d(*tensors, *GEOMETRY.values(), 2, 2)
        for tensors in (low, exact)
    )
    assert got.dtype == dtype
    assert torch.equal(got, expected.to(dtype))
    got.sum().backward()
    expected.sum().backward()
    for tensor, other in zip(low, exact, strict=True):
        assert torch.equal(tensor.grad, other.grad.to(dtype))


def test_larger_offsets_are_read_from_the_start():
    """As DyHead gives them: of all values of an image in a row, the first count."""
    input, offset, mask, weight, bias = make()
    torch.manual_seed(1)
    larger_offset = torch.randn(2, 24, 5, 6, dtype=torch.float64)
    larger_mask = torch.rand(2, 12, 5, 6, dtype=torch.float64)
    for larger, maps in ((larger_offset, offset), (larger_mask, mask)):
        for n in range(2):
            maps[n] = torch.tensor(
                larger[n].flatten().tolist()[: maps[n].numel()], dtype=torch.float64
            ).reshape(maps[n].shape)

    def run(*tensors):
        return modulated_deform_conv2d(*tensors, *GEOMETRY.values(), 2, 2)

    tensors = [input, larger_offset, larger_mask, weight, bias]
    expected = plain_modulated(input, offset, mask, weight, bias, GEOMETRY, 2, 2)
    torch.testing.assert_close(run(*tensors), expected)
    assert torch.autograd.gradcheck(run, [t.requires_grad_() for t in tensors])


def test_smaller_offsets_are_refused(standin):
    input, offset, mask, weight, bias = make()
    with pytest.raises(RuntimeError, match='offset output dims'):
        modulated_deform_conv2d(
            input, offset[..., :2], mask, weight, bias, *GEOMETRY.values(), 2, 2
        )


def test_unknown_offsets_give_unknown_values(standin):
    """Rather than the end of the process, as when a training diverges."""
    input, offset, mask, weight, bias = make()
    others = mask, weight, bias, *GEOMETRY.values(), 2, 2
    known = modulated_deform_conv2d(input, offset, *others)
    offset[1, 5, 3, 2] = torch.nan
    offset.requires_grad_()
    got = modulated_deform_conv2d(input, offset, *others)
    known[1, :, 3, 2] = torch.nan
    torch.testing.assert_close(got, known, equal_nan=True)
    got.sum().backward()
