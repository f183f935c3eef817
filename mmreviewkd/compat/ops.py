"""Torchvision's operators under the names of mmcv's compiled ones.

mmcv looks for its compiled operators in the module ``mmcv._ext``, which mmcv-lite
does not have. :func:`install` offers a module of that name. It is offered last, so
a compiled ``mmcv._ext`` always wins.
"""

import importlib.abc
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor

from .versions import SUPPORTED

_NAME = 'mmcv._ext'
_POOL_MAX = 0


def _compute_dtype(dtype: torch.dtype) -> torch.dtype:
    # torchvision has no bfloat16 kernels, and on CPU no half ones.
    return dtype if dtype in (torch.float32, torch.float64) else torch.float32


def nms(bboxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Indices of the boxes that stay, best first.

    Args:
        bboxes: Boxes (x1, y1, x2, y2), shape (N, 4).
        scores: Shape (N,).
        iou_threshold: Boxes that overlap a better one by more than this go.
        offset: 0 or 1; a box is ``x2 - x1 + offset`` wide.
    """
    bboxes = bboxes.to(_compute_dtype(bboxes.dtype))
    if offset:
        bboxes = bboxes + bboxes.new_tensor([0, 0, offset, offset])
    return torchvision.ops.nms(bboxes, scores.to(bboxes.dtype), iou_threshold)


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
        _refuse("roi_align(pool_mode='max')")
    dtype = _compute_dtype(input.dtype)
    output.copy_(
        torch.ops.torchvision.roi_align(
            input.to(dtype),
            rois.to(dtype),
            spatial_scale,
            aligned_height,
            aligned_width,
            sampling_ratio,
            aligned,
        )
    )


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
    dtype = _compute_dtype(grad_output.dtype)
    grad_input.copy_(
        torch.ops.torchvision._roi_align_backward(
            grad_output.to(dtype),
            rois.to(dtype),
            spatial_scale,
            aligned_height,
            aligned_width,
            *grad_input.shape,
            sampling_ratio,
            aligned,
        )
    )


def sigmoid_focal_loss_forward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    output: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Writes the focal loss of logits ``input`` (N, C) into ``output`` (N, C).

    ``target`` (N,) holds the classes, C for none of them. MMDetection calls it on
    GPUs only.
    """
    output.copy_(_focal_loss(input, target, weight, gamma, alpha))


def sigmoid_focal_loss_backward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    grad_input: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Writes the gradient of :func:`sigmoid_focal_loss_forward`'s sum."""
    with torch.enable_grad():
        logits = input.detach().requires_grad_()
        loss = _focal_loss(logits, target, weight, gamma, alpha).sum()
    grad_input.copy_(torch.autograd.grad(loss, logits)[0])


def _focal_loss(
    input: Tensor, target: Tensor, weight: Tensor, gamma: float, alpha: float
) -> Tensor:
    if weight.numel():
        _refuse('sigmoid_focal_loss with class weights')
    classes = input.shape[1]
    one_hot = F.one_hot(target, classes + 1)[:, :classes].to(input.dtype)
    return torchvision.ops.sigmoid_focal_loss(input, one_hot, alpha, gamma)


def _no_compiler() -> str:
    # mmcv's environment report calls the two functions that this stands for.
    return 'n/a (torchvision stand-in)'


def _refuse(name: str) -> NoReturn:
    raise NotImplementedError(
        f"mmcv's operator {name} needs the compiled mmcv and has no stand-in here: "
        'replace mmcv-lite by the full mmcv (pip uninstall mmcv-lite; '
        f'pip install "mmcv{SUPPORTED["mmcv"]}").'
    )


def _unknown(name: str) -> Callable:
    # mmcv asks for all operators at import, so only a call may fail.
    if name.startswith('__'):
        raise AttributeError(f'module {_NAME!r} has no attribute {name!r}')
    return lambda *args, **kwargs: _refuse(name)


class _StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> ModuleSpec | None:
        if fullname == _NAME:
            return ModuleSpec(_NAME, self, origin=__name__)
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.nms = nms
        module.roi_align_forward = roi_align_forward
        module.roi_align_backward = roi_align_backward
        module.sigmoid_focal_loss_forward = sigmoid_focal_loss_forward
        module.sigmoid_focal_loss_backward = sigmoid_focal_loss_backward
        module.get_compiler_version = _no_compiler
        module.get_compiling_cuda_version = _no_compiler
        module.__getattr__ = _unknown


def install() -> None:
    """Offers the stand-in to imports of ``mmcv._ext``, after all other finders.

    Neither imports mmcv nor looks for a compiled one.
    """
    if not any(isinstance(finder, _StandIn) for finder in sys.meta_path):
        sys.meta_path.append(_StandIn())
