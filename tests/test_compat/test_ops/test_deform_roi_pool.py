import math
from itertools import product

import pytest
import torch
from mmcv.ops import DeformRoIPoolPack, ModulatedDeformRoIPoolPack, deform_roi_pool
from torchvision.ops import roi_align

pytestmark = pytest.mark.usefixtures('standin')  # the compiled one is for GPUs only

SIZE, SCALE, GAMMA = (2, 3), 0.5, 0.2


def plain_pool(input, rois, offset, sampling_ratio):
    """Dai et al., Deformable Convolutional Networks, section 2.2, with RoIAlign."""
    (rows, columns), channels = SIZE, input.shape[1]
    output = torch.zeros(len(rois), channels, rows, columns, dtype=torch.float64)
    for k, c, i, j in product(*map(range, output.shape)):
        image, x1, y1, x2, y2 = rois[k].tolist()
        height, width = (y2 - y1) * SCALE, (x2 - x1) * SCALE
        bin_height, bin_width = height / rows, width / columns
        top = y1 * SCALE - 0.5 + i * bin_height
        left = x1 * SCALE - 0.5 + j * bin_width
        if offset is not None:
            left += GAMMA * width * offset[k, 0, i, j]
            top += GAMMA * height * offset[k, 1, i, j]
        down = sampling_ratio or math.ceil(bin_height)
        across = sampling_ratio or math.ceil(bin_width)
        total = 0
        for a in range(down):
            for b in range(across):
                y = top + (a + 0.5) * bin_height / down
                x = left + (b + 0.5) * bin_width / across
                total += bordered_bilinear(input[int(image), c], float(y), float(x))
        output[k, c, i, j] = total / max(down * across, 1)
    return output


def bordered_bilinear(image, y, x):
    """Up to a pixel beyond the outer pixels' centres it is as on the border."""
    height, width = image.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = min(int(y), height - 2), min(int(x), width - 2)
    y, x = y - top, x - left
    (a, b), (c, d) = image[top : top + 2, left : left + 2].tolist()
    return (1 - y) * ((1 - x) * a + x * b) + y * ((1 - x) * c + x * d)


def make():
    torch.manual_seed(0)
    input = torch.randn(2, 2, 7, 8, dtype=torch.float64)
    # Of many sizes, one reaches beyond the map, one is a point.
    rois = [[1, 2, 1, 14, 9], [0, 1, 1, 4, 12], [0, 9, 8, 20, 17], [1, 5, 5, 5, 5]]
    rois = torch.tensor(rois, dtype=torch.float64)
    offset = torch.randn(4, 2, *SIZE, dtype=torch.float64)
    return input, rois, offset


def pool(input, rois, offset, sampling_ratio):
    return deform_roi_pool(input, rois, offset, SIZE, SCALE, sampling_ratio, GAMMA)


@pytest.mark.parametrize('sampling_ratio', [0, 2])
@pytest.mark.parametrize('moved', [True, False])
def test_equals_plain_loops(sampling_ratio, moved):
    input, rois, offset = make()
    offset = offset if moved else None
    expected = plain_pool(input, rois, offset, sampling_ratio)
    torch.testing.assert_close(pool(input, rois, offset, sampling_ratio), expected)


@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_without_offset_is_roi_align(sampling_ratio):
    torch.manual_seed(0)
    input = torch.randn(2, 3, 20, 30)
    corners = torch.rand(50, 2) * 40
    image = torch.randint(2, (50, 1))
    rois = torch.cat([image, corners, corners + torch.rand(50, 2) * 30], 1)
    expected = roi_align(input, rois, SIZE, SCALE, sampling_ratio, aligned=True)
    torch.testing.assert_close(pool(input, rois, None, sampling_ratio), expected)


@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_gradients_are_those_of_the_output(sampling_ratio):
    input, rois, offset = make()

    def run(input, offset):
        return pool(input, rois, offset, sampling_ratio)

    inputs = input.requires_grad_(), offset.requires_grad_()
    assert torch.autograd.gradcheck(run, inputs)
    assert torch.autograd.gradcheck(lambda input: run(input, None), inputs[:1])


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_low_precision(dtype):
    input, rois, offset = (tensor.to(dtype) for tensor in make())
    low = [input.requires_grad_(), offset.requires_grad_()]
    exact = [tensor.detach().float().requires_grad_() for tensor in low]
    got = pool(low[0], rois, low[1], 2)
    expected = pool(exact[0], rois.float(), exact[1], 2)
    assert got.dtype == dtype
    assert torch.equal(got, expected.to(dtype))
    got.sum().backward()
    expected.sum().backward()
    for tensor, other in zip(low, exact, strict=True):
        assert torch.equal(tensor.grad, other.grad.to(dtype))


@pytest.mark.parametrize('module', [DeformRoIPoolPack, ModulatedDeformRoIPoolPack])
def test_module_trains(module):
    torch.manual_seed(0)
    input, rois, _ = make()
    module = module((2, 3), 2, 8, SCALE)
    module(input.float(), rois.float()).pow(2).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    assert module.offset_fc[-1].bias.grad.any()


def test_no_rois():
    input, rois, offset = make()
    out = pool(input.requires_grad_(), rois[:0], offset[:0], 0)
    out.sum().backward()
    assert out.shape == (0, 2, 2, 3)
    assert not input.grad.any()


@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_unknown_offsets_give_unknown_values(sampling_ratio):
    """Rather than the end of the process, as when a training diverges."""
    input, rois, offset = make()
    known = pool(input, rois, offset, sampling_ratio)
    offset[1, 0, 1, 2] = torch.nan
    got = pool(input, rois, offset.requires_grad_(), sampling_ratio)
    known[1, :, 1, 2] = torch.nan
    torch.testing.assert_close(got, known, equal_nan=True)
    got.sum().backward()
