"""Multi-scale deformable attention (Zhu et al., ICLR 2021), by mmcv's own PyTorch code.

mmcv takes that code on CPUs, and the operators below on GPUs.
"""

from functools import partial

from torch import Tensor

from .gradients import gradients
from .precision import compute_dtype

__all__ = ['ms_deform_attn_backward', 'ms_deform_attn_forward']


def ms_deform_attn_forward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    im2col_step: int,
) -> Tensor:
    """The attended values, shape (N, queries, heads * channels).

    Args:
        value: Levels one after the other, shape (N, keys, heads, channels).
        value_spatial_shapes: Height and width of each level, shape (levels, 2).
        value_level_start_index: Not used, it follows from the shapes.
        sampling_locations: x and y from 0 to 1, shape
            (N, queries, heads, levels, points, 2).
        attention_weights: Shape (N, queries, heads, levels, points).
        im2col_step: Not used, it only matters to mmcv's kernels.
    """
    tensors = _tensors(value, sampling_locations, attention_weights)
    return _attend(value_spatial_shapes, *tensors).to(value.dtype)


def ms_deform_attn_backward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    grad_output: Tensor,
    grad_value: Tensor,
    grad_sampling_loc: Tensor,
    grad_attn_weight: Tensor,
    im2col_step: int,
) -> None:
    """Writes the gradients of values, locations and weights."""
    tensors = _tensors(value, sampling_locations, attention_weights)
    grads = gradients(
        partial(_attend, value_spatial_shapes),
        tensors,
        grad_output.to(tensors[0].dtype),
    )
    grad_value.copy_(grads[0])
    grad_sampling_loc.copy_(grads[1])
    grad_attn_weight.copy_(grads[2])


def _tensors(*tensors: Tensor) -> list[Tensor]:
    return [tensor.to(compute_dtype(tensor.dtype)) for tensor in tensors]


def _attend(
    value_spatial_shapes: Tensor,
    value: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
) -> Tensor:
    # mmcv is still being imported when this module is.
    from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

    return multi_scale_deformable_attn_pytorch(
        value, value_spatial_shapes.tolist(), sampling_locations, attention_weights
    )
