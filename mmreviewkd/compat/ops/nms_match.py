"""Non-maximum suppression that tells which box suppresses which."""

import torch
import torchvision
from torch import Tensor

from .precision import compute_dtype

__all__ = ['nms_match']


def nms_match(dets: Tensor, iou_threshold: float) -> list[list[int]]:
    """Groups of indices, best first: a box that stays, then those that it suppresses.

    Args:
        dets: Boxes (x1, y1, x2, y2) and scores, shape (N, 5).
        iou_threshold: Boxes that overlap a better one by as much or more go.
    """
    dets = dets.to(compute_dtype(dets.dtype))
    overlaps = torchvision.ops.box_iou(dets[:, :4], dets[:, :4])
    # In the precision of the overlaps, as mmcv compares them.
    suppressed = overlaps >= torch.tensor(iou_threshold, dtype=dets.dtype)
    groups = []
    left = dets[:, 4].argsort(descending=True)
    while len(left):
        best, others = left[0], left[1:]
        goes = suppressed[best, others]
        groups.append([best.item(), *others[goes].tolist()])
        left = others[~goes]
    return groups
