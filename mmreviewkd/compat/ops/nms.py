"""Non-maximum suppression, by torchvision."""

import torch
import torchvision
from torch import Tensor

from .precision import compute_dtype

__all__ = ['nms']


def nms(bboxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Indices of the boxes that stay, best first.

    Args:
        bboxes: Boxes (x1, y1, x2, y2), shape (N, 4).
        scores: Shape (N,).
        iou_threshold: Boxes that overlap a better one by more than this go.
        offset: 0 or 1; a box is ``x2 - x1 + offset`` wide.
    """
    bboxes = bboxes.to(compute_dtype(bboxes.dtype))
    if offset:
        bboxes = bboxes + bboxes.new_tensor([0, 0, offset, offset])
    # torchvision compares the overlaps with a float64 threshold. mmcv rounds the
    # threshold as the overlaps are: those that equal it stay.
    iou_threshold = torch.tensor(iou_threshold, dtype=bboxes.dtype).item()
    return torchvision.ops.nms(bboxes, scores.to(bboxes.dtype), iou_threshold)
