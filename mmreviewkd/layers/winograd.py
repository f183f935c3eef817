"""3x3 convolutions with a quarter of the multiplications."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# F(4x4, 3x3): a tile of 4x4 outputs is made from one of 6x6 inputs by 36
# multiplications for each pair of channels instead of 144.
_INPUT = torch.tensor(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=torch.float64,
)
_KERNEL = torch.tensor(
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]],
    dtype=torch.float64,
).div(24)
_OUTPUT = torch.tensor(
    [
        [1, 1, 1, 1, 1, 0],
        [0, 1, -1, 2, -2, 0],
        [0, 1, 1, 4, 4, 0],
        [0, 1, -1, 8, -8, 1],
    ],
    dtype=torch.float64,
)
# Both directions at once, for tiles as vectors.
_INPUT, _KERNEL, _OUTPUT = (torch.kron(m, m) for m in (_INPUT, _KERNEL, _OUTPUT))

_ROWS = 2
"""Rows of tiles in one piece of work, which has to stay in the cache."""


class WinogradConv2d(nn.Conv2d):
    """A 3x3 convolution by Winograd's algorithm where that is faster.

    It is on CPU, for maps of many channels and positions: twice as fast as PyTorch's,
    forward and backward, with 256 channels at 200x336. Elsewhere, and under mixed
    precision, this is a plain :class:`nn.Conv2d`; GPUs have the algorithm in cuDNN. The
    numbers are the same but for rounding.

    See "Fast Algorithms for Convolutional Neural Networks", section 4
    (https://arxiv.org/abs/1509.09308).
    """

    @classmethod
    def like(cls, conv: nn.Conv2d) -> nn.Conv2d:
        """Take over the weights of a convolution, or leave it where it is no 3x3."""
        if type(conv) is not nn.Conv2d or not _is_plain_3x3(conv):
            return conv
        fast = cls.__new__(cls)
        fast.__dict__ = conv.__dict__
        return fast

    def forward(self, x: Tensor) -> Tensor:
        """Convolve maps (N, C, H, W)."""
        if self._pays(x):
            return _Winograd.apply(x, self.weight, self.bias)
        if x.device.type == 'cpu' and self.weight.requires_grad:
            # The gradient of the weights is slow on CPU with the channels last.
            x = x.contiguous()
        return super().forward(x)

    def _pays(self, x: Tensor) -> bool:
        # Measured on two cores with AVX2: with 128 channels it is no faster, and on
        # smaller maps making the kernel takes longer than it saves.
        return (
            x.device.type == 'cpu'
            and x.dtype in (torch.float32, torch.float64)
            and not torch.is_autocast_enabled('cpu')
            and not torch.compiler.is_compiling()
            and _is_plain_3x3(self)
            and min(self.in_channels, self.out_channels) >= 192
            and x.shape[2] * x.shape[3] >= 2048
        )


def _is_plain_3x3(conv: nn.Conv2d) -> bool:
    return (
        conv.kernel_size == (3, 3)
        and conv.stride == conv.dilation == conv.padding == (1, 1)
        and conv.groups == 1
        and conv.padding_mode == 'zeros'
    )


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return convolve(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = convolve(grad, weight.flip(2, 3).transpose(0, 1))
        if ctx.needs_input_grad[1]:
            of_weight = weight_gradient(x, grad)
        if ctx.needs_input_grad[2]:
            of_bias = grad.sum((0, 2, 3))
        return of_x, of_weight, of_bias


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolve maps with 3x3 weights, padded with zeros.

    Args:
        x (Tensor): Maps (N, C, H, W), fastest with the channels last.
        weight (Tensor): Weights (K, C, 3, 3).
        bias (Tensor, optional): (K,). Defaults to None.

    Returns:
        Tensor: Maps (N, K, H, W) with the channels last.
    """
    (n, _, h, w), (out, in_) = x.shape, weight.shape[:2]
    kernel = (_KERNEL.to(x) @ weight.reshape(-1, 9).T).view(36, out, in_)
    result = x.new_empty(n, -(-h // 4) * 4, -(-w // 4) * 4, out)
    transform, products, piece = _OUTPUT.to(x), x.new_empty(0), x.new_empty(0)
    for image, row, tiles in _tiles(x):
        rows, cols = tiles.shape[1:3]
        # Written into the same memory again and again: new memory costs time.
        products.resize_(36, rows * cols, out)
        piece.resize_(16, rows * cols * out)
        torch.bmm(tiles.view(36, -1, in_), kernel.transpose(1, 2), out=products)
        torch.mm(transform, products.view(36, -1), out=piece)
        part = result[image, row : row + 4 * rows].view(rows, 4, cols, 4, out)
        part.copy_(piece.view(4, 4, rows, cols, out).permute(2, 0, 3, 1, 4))
        if bias is not None:
            part += bias
    return result[:, :h, :w].permute(0, 3, 1, 2)


def weight_gradient(x: Tensor, grad: Tensor) -> Tensor:
    """Gradient of :func:`convolve`'s weights.

    Args:
        x (Tensor): Maps (N, C, H, W).
        grad (Tensor): Gradient of the result, (N, K, H, W).

    Returns:
        Tensor: (K, C, 3, 3).
    """
    in_, out = x.shape[1], grad.shape[1]
    total = x.new_zeros(36, in_, out)
    transform = _OUTPUT.T.contiguous().to(x)
    windows, piece = x.new_empty(0), x.new_empty(0)
    for image, row, tiles in _tiles(x):
        rows, cols = tiles.shape[1:3]
        windows.resize_(4, 4, rows, cols, out)
        piece.resize_(36, rows * cols * out)
        windows.copy_(_windows(grad[image], row, rows, cols, 4))
        torch.mm(transform, windows.view(16, -1), out=piece)
        tiles = tiles.view(36, -1, in_).transpose(1, 2)
        total.baddbmm_(tiles, piece.view(36, -1, out))
    weight = (_KERNEL.T.to(x) @ total.view(36, -1)).view(3, 3, in_, out)
    return weight.permute(3, 2, 0, 1).contiguous()


def _tiles(x: Tensor) -> Iterator[tuple[int, int, Tensor]]:
    """Yield image, row, and transformed tiles (36, rows of them, columns, C)."""
    rows, cols = -(-x.shape[2] // 4), -(-x.shape[3] // 4)
    transform, windows, tiles = _INPUT.to(x), x.new_empty(0), x.new_empty(0)
    for image in range(len(x)):
        for row in range(0, rows, _ROWS):
            count = min(_ROWS, rows - row)
            windows.resize_(6, 6, count, cols, x.shape[1])
            tiles.resize_(36, windows.numel() // 36)
            windows.copy_(_windows(x[image], 4 * row, count, cols, 6))
            torch.mm(transform, windows.view(36, -1), out=tiles)
            yield image, 4 * row, tiles.view(36, count, cols, -1)


def _windows(x: Tensor, row: int, rows: int, cols: int, side: int) -> Tensor:
    """Windows of a map (C, H, W), one every 4 pixels, from a row on.

    Returns:
        Tensor: View of (side, side, rows, cols, C), zero beyond the map's border.
    """
    height, width = x.shape[1:]
    before = (side - 4) // 2
    top, bottom = row - before, row - before + 4 * rows + side - 4
    x = x[:, max(top, 0) : bottom].permute(1, 2, 0)
    right = 4 * cols + side - 4 - before - width
    x = F.pad(x, (0, 0, before, right, max(-top, 0), max(bottom - height, 0)))
    x = x.contiguous()
    down, right, _ = x.stride()
    return x.as_strided(
        (side, side, rows, cols, x.shape[2]), (down, right, 4 * down, 4 * right, 1)
    )
