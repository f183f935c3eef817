"""CARAFE (Wang et al., ICCV 2019): upsampling by kernels that depend on the content.

Each pixel of the output is a weighted sum of the ``kernel_size`` x ``kernel_size``
features around the pixel that it comes from; the masks are the weights.

Shapes: ``features`` (N, C, H, W); ``masks`` (N, group_size * kernel_size ** 2,
H * scale_factor, W * scale_factor); ``output`` (N, C, H * scale_factor,
W * scale_factor).
"""

from collections.abc import Iterator

import torch.nn.functional as F
from torch import Tensor

from .precision import compute_dtype

__all__ = [
    'carafe_backward',
    'carafe_forward',
    'carafe_naive_backward',
    'carafe_naive_forward',
]


def carafe_naive_forward(
    features: Tensor,
    masks: Tensor,
    output: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Writes the upsampled features into ``output``."""
    dtype = compute_dtype(features.dtype)
    padded = _pad(features.to(dtype), kernel_size)
    weights = _split(masks.to(dtype), group_size, scale_factor)
    total = padded.new_zeros(output.shape)
    parts = _split(total, group_size, scale_factor)
    for place, (y, x) in enumerate(_places(kernel_size)):
        window = _window(padded, features, y, x, group_size)
        parts.addcmul_(window, weights[:, :, place : place + 1])
    output.copy_(total)


def carafe_naive_backward(
    top_grad: Tensor,
    features: Tensor,
    masks: Tensor,
    bottom_grad: Tensor,
    mask_grad: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Writes the gradients of features and masks."""
    dtype = compute_dtype(features.dtype)
    padded = _pad(features.to(dtype), kernel_size)
    weights = _split(masks.to(dtype), group_size, scale_factor)
    grad = _split(top_grad.to(dtype), group_size, scale_factor)
    grad_padded = padded.new_zeros(padded.shape)
    grad_weights = weights.new_zeros(weights.shape)
    for place, (y, x) in enumerate(_places(kernel_size)):
        window = _window(padded, features, y, x, group_size)
        grad_weights[:, :, place] = (grad * window).sum(2)
        grad_window = (grad * weights[:, :, place : place + 1]).sum(
            (4, 6), keepdim=True
        )
        _window(grad_padded, features, y, x, group_size).add_(grad_window)
    margin = kernel_size // 2
    height, width = features.shape[2:]
    bottom_grad.copy_(
        grad_padded[..., margin : margin + height, margin : margin + width]
    )
    mask_grad.copy_(grad_weights.reshape(masks.shape))


def carafe_forward(
    features: Tensor,
    masks: Tensor,
    rfeatures: Tensor,
    routput: Tensor,
    rmasks: Tensor,
    output: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Writes the upsampled features into ``output``.

    Keeps the features in ``rfeatures``, which is all that :func:`carafe_backward` gets
    of them; ``routput`` and ``rmasks`` only matter to mmcv's kernels.
    """
    rfeatures.copy_(features)
    carafe_naive_forward(features, masks, output, kernel_size, group_size, scale_factor)


def carafe_backward(
    top_grad: Tensor,
    rfeatures: Tensor,
    masks: Tensor,
    rtop_grad: Tensor,
    rbottom_grad_hs: Tensor,
    rbottom_grad: Tensor,
    rmask_grad: Tensor,
    bottom_grad: Tensor,
    mask_grad: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Writes the gradients of features and masks."""
    carafe_naive_backward(
        top_grad,
        rfeatures,
        masks,
        bottom_grad,
        mask_grad,
        kernel_size,
        group_size,
        scale_factor,
    )


def _places(kernel_size: int) -> Iterator[tuple[int, int]]:
    return ((y, x) for y in range(kernel_size) for x in range(kernel_size))


def _pad(features: Tensor, kernel_size: int) -> Tensor:
    return F.pad(features, [kernel_size // 2] * 4)


def _window(padded: Tensor, features: Tensor, y: int, x: int, groups: int) -> Tensor:
    """The neighbour at (y, x) of each pixel, a view (N, G, C / G, H, 1, W, 1)."""
    height, width = features.shape[2:]
    window = padded[..., y : y + height, x : x + width]
    return window.unflatten(1, (groups, -1)).unsqueeze(4).unsqueeze(6)


def _split(maps: Tensor, groups: int, scale: int) -> Tensor:
    """A view (N, G, C / G, H, s, W, s) of maps (N, C, H * s, W * s)."""
    maps = maps.unflatten(3, (-1, scale)).unflatten(2, (-1, scale))
    return maps.unflatten(1, (groups, -1))
