import pytest
import torch
import torch.nn.functional as F

from mmreviewkd.layers import PointwiseConv2d


@pytest.mark.parametrize(
    'memory_format', [torch.contiguous_format, torch.channels_last]
)
def test_same_numbers_as_a_convolution(memory_format):
    torch.manual_seed(0)
    layer = PointwiseConv2d(5, 3, 1, bias=False).double()
    x = torch.randn(2, 5, 4, 7, dtype=torch.float64).to(memory_format=memory_format)
    x.requires_grad_()
    results = []
    for out in (layer(x), F.conv2d(x, layer.weight)):
        gradients = torch.autograd.grad(out.square().sum(), [x, layer.weight])
        results.append([out, *gradients])
    for ours, plain in zip(*results, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('images', [1, 2])
def test_result_has_the_channels_last(images):
    out = PointwiseConv2d(5, 3, 1, bias=False)(torch.rand(images, 5, 4, 7))
    # is_contiguous does not look at the first stride of a single image; operators do.
    assert out.stride() == (4 * 7 * 3, 1, 7 * 3, 3)
