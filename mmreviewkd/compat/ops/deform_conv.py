"""Deformable convolution (Dai et al., ICCV 2017), by torchvision.

Shapes: ``input`` (N, C, H, W), ``weight`` (D, C / group, kH, kW), ``offset``
(N, 2 * deformable_group * kH * kW, H', W') with y before x at each place of the
kernel, ``output`` (N, D, H', W').

torchvision computes all gradients at once, mmcv asks for them in two calls: what the
other call wants is computed and dropped.
"""

import torch
import torchvision  # noqa: F401  it registers torch.ops.torchvision
from torch import Tensor

from .precision import compute_dtype

__all__ = [
    'deform_conv_backward_input',
    'deform_conv_backward_parameters',
    'deform_conv_forward',
]


def deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
) -> None:
    """Writes the convolution into ``output``.

    ``columns``, ``ones`` and ``im2col_step`` only matter to mmcv's kernels.
    """
    geometry = (dH, dW, padH, padW, dilationH, dilationW, group, deformable_group)
    tensors = _tensors(input, weight, offset)
    output.copy_(torch.ops.torchvision.deform_conv2d(*tensors, *geometry, False))
    output.masked_fill_(offset.isnan().any(1, keepdim=True), torch.nan)


def deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    gradOutput: Tensor,
    gradInput: Tensor,
    gradOffset: Tensor,
    weight: Tensor,
    columns: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
) -> None:
    """Writes the gradients of ``input`` and ``offset``."""
    geometry = (dH, dW, padH, padW, dilationH, dilationW, group, deformable_group)
    grad_input, _, grad_offset = _gradients(gradOutput, input, weight, offset, geometry)
    gradInput.copy_(grad_input)
    gradOffset.copy_(grad_offset)


def deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    gradOutput: Tensor,
    gradWeight: Tensor,
    columns: Tensor,
    ones: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    scale: float,
    im2col_step: int,
) -> None:
    """Writes ``scale`` times the gradient of the weight."""
    geometry = (dH, dW, padH, padW, dilationH, dilationW, group, deformable_group)
    # The weight itself is not given, and its gradient does not depend on it.
    _, grad_weight, _ = _gradients(gradOutput, input, gradWeight, offset, geometry)
    gradWeight.copy_(scale * grad_weight)


def _tensors(input: Tensor, weight: Tensor, offset: Tensor) -> list[Tensor]:
    # torchvision wants a mask and a bias: the mask is not read, the bias is zero.
    mask, bias = input.new_zeros(input.shape[0], 1), input.new_zeros(weight.shape[0])
    # An offset that is not a number crashes the process.
    offset = offset.nan_to_num()
    dtype = compute_dtype(input.dtype)
    return [tensor.to(dtype) for tensor in (input, weight, offset, mask, bias)]


def _gradients(
    grad_output: Tensor,
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    geometry: tuple[int, ...],
) -> tuple[Tensor, Tensor, Tensor]:
    tensors = _tensors(input, weight, offset)
    grad_output = grad_output.to(tensors[0].dtype)
    return torch.ops.torchvision._deform_conv2d_backward(
        grad_output, *tensors, *geometry, False
    )[:3]
