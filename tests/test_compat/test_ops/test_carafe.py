from itertools import product

import pytest
import torch
from mmcv.ops import carafe, carafe_naive
from mmcv.ops.carafe import CARAFEPack

pytestmark = pytest.mark.usefixtures('standin')  # the compiled one is for GPUs only


def plain_carafe(features, masks, kernel, groups, scale):
    """Wang et al., CARAFE, equation 4."""
    images, channels, height, width = features.shape
    output = torch.zeros(images, channels, height * scale, width * scale).double()
    for n, c, y, x in product(*map(range, output.shape)):
        group = c // (channels // groups)
        for i in range(kernel):
            for j in range(kernel):
                row = y // scale + i - kernel // 2
                column = x // scale + j - kernel // 2
                if 0 <= row < height and 0 <= column < width:
                    mask = masks[n, (group * kernel + i) * kernel + j, y, x]
                    output[n, c, y, x] += mask * features[n, c, row, column]
    return output


def make(kernel, groups, scale):
    torch.manual_seed(0)
    features = torch.randn(2, 4, 3, 4, dtype=torch.float64)
    size = (3 * scale, 4 * scale)
    masks = torch.rand(2, groups * kernel**2, *size, dtype=torch.float64)
    return features, masks


@pytest.mark.parametrize('operator', [carafe, carafe_naive])
@pytest.mark.parametrize('arguments', [(5, 1, 2), (3, 2, 3), (1, 4, 1)])
def test_equals_plain_loops(operator, arguments):
    tensors = make(*arguments)
    torch.testing.assert_close(
        operator(*tensors, *arguments), plain_carafe(*tensors, *arguments)
    )


@pytest.mark.parametrize('arguments', [(5, 1, 2), (3, 2, 3), (1, 4, 1)])
def test_gradients_are_those_of_the_output(arguments):
    tensors = [tensor.requires_grad_() for tensor in make(*arguments)]
    assert torch.autograd.gradcheck(lambda *t: carafe(*t, *arguments), tensors)


def test_naive_gradients_are_the_same(standin):
    """Called directly: mmcv's own Python function refuses it on CPUs."""
    arguments = (3, 2, 2)
    features, masks = (tensor.requires_grad_() for tensor in make(*arguments))
    out = carafe(features, masks, *arguments)
    grad = torch.randn_like(out)
    out.backward(grad)
    grads = torch.zeros_like(features), torch.zeros_like(masks)
    standin.carafe_naive_backward(
        grad, features.detach(), masks.detach(), *grads, *arguments
    )
    torch.testing.assert_close(grads[0], features.grad)
    torch.testing.assert_close(grads[1], masks.grad)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_low_precision(dtype):
    low = [tensor.to(dtype).requires_grad_() for tensor in make(5, 1, 2)]
    exact = [tensor.detach().float().requires_grad_() for tensor in low]
    got, expected = carafe(*low, 5, 1, 2), carafe(*exact, 5, 1, 2)
    assert got.dtype == dtype
    assert torch.equal(got, expected.to(dtype))
    got.sum().backward()
    expected.sum().backward()
    for tensor, other in zip(low, exact, strict=True):
        assert torch.equal(tensor.grad, other.grad.to(dtype))


def test_module_trains():
    torch.manual_seed(0)
    module = CARAFEPack(4, 2)
    x = torch.randn(2, 4, 5, 6, requires_grad=True)
    out = module(x)
    out.pow(2).sum().backward()
    assert out.shape == (2, 4, 10, 12)
    assert x.grad.any()
    assert all(parameter.grad.any() for parameter in module.parameters())
