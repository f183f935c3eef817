"""Deformable RoI pooling (Dai et al., ICCV 2017): RoIAlign whose bins may move.

A bin is the mean of samples and a sample the bilinear mean of four pixels, so a bin is
a weighted sum of pixels, which PyTorch's ``embedding_bag`` computes.

Shapes: ``input`` (N, C, H, W); ``rois`` (K, 5), each the image's index, x1, y1, x2, y2;
``offset`` (K, 2, pooled_height, pooled_width), x before y, or empty; ``output``
(K, C, pooled_height, pooled_width).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .gradients import gradients
from .precision import compute_dtype

__all__ = ['deform_roi_pool_backward', 'deform_roi_pool_forward']


def deform_roi_pool_forward(
    input: Tensor,
    rois: Tensor,
    offset: Tensor,
    output: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    gamma: float,
) -> None:
    """Writes the means of the bins into ``output``.

    Args:
        input: Features.
        rois: RoIs in pixels of the image.
        offset: Bins move by ``gamma * offset`` of the RoI's width and height.
        output: Buffer.
        pooled_height: Bins in a column.
        pooled_width: Bins in a row.
        spatial_scale: Size of the features over that of the image.
        sampling_ratio: Samples along each side of a bin; 0 for one a pixel.
        gamma: See ``offset``.
    """
    dtype = compute_dtype(input.dtype)
    bin_size, corners = _bins(
        rois.to(dtype),
        offset.to(dtype),
        (pooled_height, pooled_width),
        spatial_scale,
        gamma,
    )
    output.copy_(_pool(input.to(dtype), rois, bin_size, corners, sampling_ratio))


def deform_roi_pool_backward(
    grad_output: Tensor,
    input: Tensor,
    rois: Tensor,
    offset: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    gamma: float,
) -> None:
    """Writes the gradients of input and offset.

    They are the derivatives of the means. mmcv's kernel deviates from them for samples
    on the border of the features or less than a pixel beyond, where it extrapolates
    the offset's gradient.
    """
    dtype = compute_dtype(input.dtype)

    def pool(input: Tensor, offset: Tensor) -> Tensor:
        size = (pooled_height, pooled_width)
        bins = _bins(rois.to(dtype), offset, size, spatial_scale, gamma)
        return _pool(input, rois, *bins, sampling_ratio)

    inputs = [input.to(dtype), offset.to(dtype)]
    grads = gradients(pool, inputs, grad_output.to(dtype))
    grad_input.copy_(grads[0])
    grad_offset.copy_(grads[1])


def _bins(
    rois: Tensor,
    offset: Tensor,
    pooled_size: tuple[int, int],
    spatial_scale: float,
    gamma: float,
) -> tuple[Tensor, Tensor]:
    """Sizes (K, 2) and upper left corners (K, pooled_size, 2) of bins, y before x."""
    # The centre of the first pixel is at 0, its border at -0.5.
    starts = rois[:, [2, 1]] * spatial_scale - 0.5
    sizes = rois[:, [4, 3]] * spatial_scale - 0.5 - starts
    bin_size = sizes / sizes.new_tensor(pooled_size)
    numbers = [torch.arange(count, device=rois.device) for count in pooled_size]
    place = torch.stack(torch.meshgrid(*numbers, indexing='ij'), -1)
    corners = starts[:, None, None] + place * bin_size[:, None, None]
    if offset.numel():
        moved = offset.permute(0, 2, 3, 1).flip(-1)
    else:
        # No bin moves; the sum, 0, keeps the empty offset in the graph.
        moved = offset.sum()
    return bin_size, corners + gamma * sizes[:, None, None] * moved


def _pool(
    input: Tensor,
    rois: Tensor,
    bin_size: Tensor,
    corners: Tensor,
    sampling_ratio: int,
) -> Tensor:
    """The means (K, C, pooled_height, pooled_width) of bins."""
    channels, height, width = input.shape[1:]
    bins = corners.shape[1] * corners.shape[2]
    grid = bin_size.ceil().long().clamp(min=0)
    if sampling_ratio > 0:
        grid = torch.full_like(grid, sampling_ratio)

    # Rows of samples, those of a bin one after the other.
    image = rois[:, 0].long()
    grid, bin_size, image = (
        values.repeat_interleave(bins, 0) for values in (grid, bin_size, image)
    )
    samples = grid.prod(1)
    first = samples.cumsum(0) - samples
    owner = torch.arange(len(samples), device=input.device).repeat_interleave(samples)
    number = torch.arange(len(owner), device=input.device) - first[owner]
    columns = grid[owner, 1]
    place = torch.stack([number // columns, number % columns], 1)
    points = corners.flatten(0, 2)[owner] + (place + 0.5) * (bin_size / grid)[owner]

    size = points.new_tensor([height, width])
    inside = ((points >= -1) & (points <= size)).all(1)
    points = points.clamp(torch.zeros_like(size), size - 1)
    # Points that are not a number keep weights that are none, at any pixel.
    low = points.detach().floor().nan_to_num()
    high = torch.minimum(low + 1, size - 1)
    shares = torch.stack([1 - (points - low), points - low], 1)
    pixels = torch.stack([low, high], 1).long()
    weights = shares[:, :, None, 0] * shares[:, None, :, 1]
    weights = weights * inside[:, None, None] / samples[owner, None, None]
    rows = image[owner, None] * height + pixels[..., 0]
    index = rows[:, :, None] * width + pixels[:, None, :, 1]

    means = F.embedding_bag(
        index.flatten(),
        input.permute(0, 2, 3, 1).reshape(-1, channels),
        4 * first,
        mode='sum',
        per_sample_weights=weights.flatten(),
    )
    return means.reshape(*corners.shape[:3], channels).permute(0, 3, 1, 2)
