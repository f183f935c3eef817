"""RoIAlign, by torchvision."""

import torch
import torchvision  # noqa: F401  it registers torch.ops.torchvision
from torch import Tensor

from .precision import compute_dtype
from .refusal import refuse

__all__ = ['roi_align_backward', 'roi_align_forward']

_POOL_MAX = 0


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Average-pools ``input`` (N, C, H, W) at ``rois`` (K, 5) into ``output``.

    ``output`` has shape (K, C, aligned_height, aligned_width).
    """
    if pool_mode == _POOL_MAX:
        refuse("roi_align(pool_mode='max')")
    dtype = compute_dtype(input.dtype)
    output.copy_(
        torch.ops.torchvision.roi_align(
            input.to(dtype),
            # A RoI that is not a number crashes the process.
            rois.to(dtype).nan_to_num(),
            spatial_scale,
            aligned_height,
            aligned_width,
            sampling_ratio,
            aligned,
        )
    )
    output.masked_fill_(rois.isnan().any(1)[:, None, None, None], torch.nan)


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Writes the gradient of :func:`roi_align_forward` into ``grad_input``."""
    dtype = compute_dtype(grad_output.dtype)
    grad_input.copy_(
        torch.ops.torchvision._roi_align_backward(
            grad_output.to(dtype),
            rois.to(dtype).nan_to_num(),
            spatial_scale,
            aligned_height,
            aligned_width,
            *grad_input.shape,
            sampling_ratio,
            aligned,
        )
    )
