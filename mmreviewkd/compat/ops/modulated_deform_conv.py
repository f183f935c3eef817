"""Modulated deformable convolution (Zhu et al., CVPR 2019), by torchvision.

Shapes: ``input`` (N, C, H, W), ``weight`` (D, C / group, kernel_h, kernel_w), ``bias``
(D,) or empty, ``offset`` (N, 2 * deformable_group * kernel_h * kernel_w, H', W') with
y before x at each place of the kernel, ``mask`` of half as many channels, ``output``
(N, D, H', W').

Offset and mask may be larger: MMDetection's DyHead convolves a coarse level with those
of a finer one. As mmcv's kernels do, the first values of each image are then taken, as
if they were maps of the output's size.
"""

import torch
import torch.nn.functional as F
import torchvision  # noqa: F401  it registers torch.ops.torchvision
from torch import Tensor

from .precision import compute_dtype

__all__ = ['modulated_deform_conv_backward', 'modulated_deform_conv_forward']


def modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
) -> None:
    """Writes the convolution into ``output``.

    ``ones`` and ``columns`` only matter to mmcv's kernels.
    """
    size = output.shape[2:]
    output.copy_(
        torch.ops.torchvision.deform_conv2d(
            *_tensors(input, weight, offset, mask, bias, with_bias, size),
            stride_h,
            stride_w,
            pad_h,
            pad_w,
            dilation_h,
            dilation_w,
            group,
            deformable_group,
            True,
        )
    )
    unknown = _first_values(offset, size).isnan().any(1, keepdim=True)
    output.masked_fill_(unknown, torch.nan)


def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
) -> None:
    """Writes the gradients of input, weight, bias, offset and mask."""
    grads = torch.ops.torchvision._deform_conv2d_backward(
        grad_output.to(compute_dtype(input.dtype)),
        *_tensors(input, weight, offset, mask, bias, with_bias, grad_output.shape[2:]),
        stride_h,
        stride_w,
        pad_h,
        pad_w,
        dilation_h,
        dilation_w,
        group,
        deformable_group,
        True,
    )
    grad_input.copy_(grads[0])
    grad_weight.copy_(grads[1])
    grad_offset.copy_(_spread(grads[2], grad_offset.shape))
    grad_mask.copy_(_spread(grads[3], grad_mask.shape))
    if with_bias:
        grad_bias.copy_(grads[4])


def _tensors(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Tensor,
    bias: Tensor,
    with_bias: bool,
    size: torch.Size,
) -> list[Tensor]:
    # An offset that is not a number crashes the process.
    offset = _first_values(offset, size).nan_to_num()
    mask = _first_values(mask, size)
    if not with_bias:
        bias = input.new_zeros(weight.shape[0])
    dtype = compute_dtype(input.dtype)
    return [tensor.to(dtype) for tensor in (input, weight, offset, mask, bias)]


def _first_values(maps: Tensor, size: torch.Size) -> Tensor:
    """Maps (N, C, size) of the first values of each image.

    Smaller maps are returned as they are: torchvision refuses them.
    """
    shape = maps.shape[1:2] + size
    if maps.shape[1:].numel() <= shape.numel():
        return maps
    return maps.flatten(1)[:, : shape.numel()].unflatten(1, shape)


def _spread(grad: Tensor, shape: torch.Size) -> Tensor:
    """The gradient of maps of which :func:`_first_values` took a part."""
    rest = shape[1:].numel() - grad.shape[1:].numel()
    return F.pad(grad.flatten(1), (0, rest)).reshape(shape)
