import pytest
import torch
import torch.nn.functional as F

from mmreviewkd.layers import WinogradConv2d
from mmreviewkd.layers.winograd import convolve, weight_gradient


@pytest.mark.parametrize('size', [(8, 12), (9, 14), (1, 3), (21, 7)])
@pytest.mark.parametrize(
    'memory_format', [torch.contiguous_format, torch.channels_last]
)
def test_same_numbers_as_the_direct_form(size, memory_format):
    torch.manual_seed(0)
    x = torch.randn(2, 5, *size, dtype=torch.float64).to(memory_format=memory_format)
    weight = torch.randn(3, 5, 3, 3, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(3, dtype=torch.float64)
    expected = F.conv2d(x, weight, bias, padding=1)
    torch.testing.assert_close(
        convolve(x, weight.detach(), bias), expected, rtol=0, atol=1e-12
    )
    grad = torch.randn_like(expected)
    (gradient,) = torch.autograd.grad(expected, weight, grad)
    torch.testing.assert_close(
        weight_gradient(x, grad), gradient, rtol=1e-12, atol=1e-11
    )


def test_rounding_error_in_float32():
    torch.manual_seed(0)
    x, weight = torch.randn(1, 256, 12, 12), torch.randn(8, 256, 3, 3)
    exact = F.conv2d(x.double(), weight.double(), padding=1)
    assert (convolve(x, weight) - exact).norm() < 1e-5 * exact.norm()


@pytest.fixture
def large():
    """A layer and a map for which the algorithm is taken."""
    torch.manual_seed(0)
    return WinogradConv2d(192, 192, 3, padding=1), torch.randn(1, 192, 32, 64)


def taken(monkeypatch):
    calls = []

    def count(*args):
        calls.append(args[0].shape)
        return convolve(*args)

    monkeypatch.setattr('mmreviewkd.layers.winograd.convolve', count)
    return calls


def test_layer_has_the_gradients_of_a_plain_one(large, monkeypatch):
    calls = taken(monkeypatch)
    layer, x = large
    x.requires_grad_()
    grad = torch.randn(1, 192, 32, 64)
    inputs = [x, layer.weight, layer.bias]
    out = layer(x)
    ours = torch.autograd.grad(out, inputs, grad)
    assert len(calls) == 2
    plain = F.conv2d(x, layer.weight, layer.bias, padding=1)
    for a, b in zip(ours, torch.autograd.grad(plain, inputs, grad), strict=True):
        assert (a - b).norm() < 1e-5 * b.norm()
    assert (out - plain).norm() < 1e-5 * plain.norm()


def test_taken_only_where_it_pays(large, monkeypatch):
    calls = taken(monkeypatch)
    layer, x = large
    with torch.no_grad():
        layer(x[:, :, :16])
        WinogradConv2d(192, 8, 3, padding=1)(x)
        WinogradConv2d(192, 192, 3, padding=1, stride=2)(x)
        WinogradConv2d(192, 192, 3, padding=2, dilation=2)(x)
        with torch.autocast('cpu', torch.bfloat16):
            assert layer(x).dtype == torch.bfloat16
        assert not calls
        layer(x)
        assert calls


def test_takes_over_weights(large):
    plain = torch.nn.Conv2d(4, 4, 3, padding=1)
    fast = WinogradConv2d.like(plain)
    assert isinstance(fast, WinogradConv2d) and fast.weight is plain.weight
    x = torch.rand(1, 4, 5, 5)
    assert torch.equal(fast(x), plain(x))
    for other in (torch.nn.Conv2d(4, 4, 1), torch.nn.Conv2d(4, 4, 3, stride=2)):
        assert WinogradConv2d.like(other) is other
