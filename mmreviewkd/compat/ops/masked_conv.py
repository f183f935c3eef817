"""The two steps of mmcv's convolution that is computed at some places only."""

import torch.nn.functional as F
from torch import Tensor

__all__ = ['masked_col2im_forward', 'masked_im2col_forward']


def masked_im2col_forward(
    im: Tensor,
    mask_h_idx: Tensor,
    mask_w_idx: Tensor,
    col: Tensor,
    kernel_h: int,
    kernel_w: int,
    pad_h: int,
    pad_w: int,
) -> None:
    """Writes what the kernel sees at each of M places into ``col``.

    Args:
        im: Features of one image, shape (1, C, H, W).
        mask_h_idx: Rows of the output, shape (M,).
        mask_w_idx: Columns of the output, shape (M,).
        col: Shape (C * kernel_h * kernel_w, M).
        kernel_h: Height of the kernel.
        kernel_w: Width of the kernel.
        pad_h: Rows of zeros above and below.
        pad_w: Columns of zeros on the left and the right.
    """
    padded = F.pad(im[0], (pad_w, pad_w, pad_h, pad_h))
    windows = padded.unfold(1, kernel_h, 1).unfold(2, kernel_w, 1)
    seen = windows[:, mask_h_idx, mask_w_idx]
    col.copy_(seen.permute(0, 2, 3, 1).reshape(col.shape))


def masked_col2im_forward(
    col: Tensor,
    mask_h_idx: Tensor,
    mask_w_idx: Tensor,
    im: Tensor,
    height: int,
    width: int,
    channels: int,
) -> None:
    """Writes ``col`` (C, M) to the M places of ``im`` (1, C, H, W)."""
    im[0][:, mask_h_idx, mask_w_idx] = col
