import pytest
import torch

from mmreviewkd.losses.mean_square import mean_square


def test_by_hand():
    x = torch.tensor([1.0, -2.0, 2.0, 0.0], requires_grad=True)
    value = mean_square(x)
    assert value.item() == 9 / 4
    (gradient,) = torch.autograd.grad(value, x)
    assert gradient.tolist() == [0.5, -1.0, 1.0, 0.0]


def test_gradient():
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(mean_square, x)
    assert torch.autograd.gradgradcheck(mean_square, x)


@pytest.mark.parametrize('images', [1, 2])
@pytest.mark.parametrize(
    'memory_format', [torch.contiguous_format, torch.channels_last]
)
def test_gradient_is_laid_out_as_the_map(images, memory_format):
    x = torch.rand(images, 3, 8, 8).to(memory_format=memory_format).requires_grad_()
    (gradient,) = torch.autograd.grad(mean_square(x), x)
    assert gradient.stride() == x.stride()
