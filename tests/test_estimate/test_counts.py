import torch
from torch import nn

from mmreviewkd.estimate import count


def test_a_convolution_forward_and_backward():
    conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
    images = torch.randn(2, 3, 10, 12)
    counts = count(lambda: conv(images).sum().backward(), list(conv.parameters()))
    product = 2 * (8 * 3 * 3 * 3) * (2 * 10 * 12)
    # The images need no gradient, so the backward pass is one product.
    assert counts.flops == 2 * product
    assert counts.saved == images.nbytes


def test_bytes_are_those_of_inputs_and_outputs():
    one, other = torch.randn(100), torch.randn(100)
    counts = count(lambda: one + other, [])
    assert counts.nbytes == 3 * 400
    assert [work.flops for work in counts.works] == [0]


def test_views_move_nothing():
    counts = count(lambda: torch.zeros(4, 6).view(6, 4).t(), [])
    assert len(counts.works) == 1


def test_what_is_saved_twice_counts_once():
    values = torch.randn(100, requires_grad=True)
    parameters = [values]
    assert count(lambda: (values * values).sum(), parameters).saved == 0

    def step():
        doubled = 2 * values
        return doubled * doubled + doubled.sin()

    assert count(step, parameters).saved == 400


def test_half_precision_halves_the_bytes():
    layer = nn.Linear(64, 64, bias=False)
    values = torch.randn(32, 64)

    def step():
        with torch.autocast('cpu', torch.bfloat16):
            return layer(values)

    (product,) = [work for work in count(step, []).works if work.flops]
    assert product.dtype == torch.bfloat16
    assert product.flops == 2 * 32 * 64 * 64
    assert product.nbytes == 2 * (32 * 64 + 64 * 64 + 32 * 64)
