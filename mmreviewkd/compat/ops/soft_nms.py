"""Soft non-maximum suppression (Bodla et al., ICCV 2017)."""

import torch
from torch import Tensor

from .precision import compute_dtype

__all__ = ['softnms']

_NAIVE, _LINEAR, _GAUSSIAN = range(3)


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Indices (M,) of the boxes that stay, in the order in which they were taken.

    Args:
        boxes: Boxes (x1, y1, x2, y2), shape (N, 4).
        scores: Shape (N,).
        dets: The boxes that stay and their lowered scores are written to the first M
            of its rows, shape (N, 5).
        iou_threshold: Scores of boxes that overlap a better one by as much or more are
            lowered; the Gaussian method lowers all.
        sigma: Of the Gaussian method.
        min_score: A box whose lowered score is less goes.
        method: 0 sets scores to zero, 1 multiplies them by 1 - IoU, 2 by
            exp(-IoU ** 2 / sigma).
        offset: 0 or 1; a box is ``x2 - x1 + offset`` wide.
    """
    dtype = compute_dtype(boxes.dtype)
    boxes, scores = boxes.to(dtype), scores.to(dtype, copy=True)
    areas = (boxes[:, 2:] - boxes[:, :2] + offset).prod(1)
    # In the precision of overlaps and scores, as mmcv compares them.
    iou_threshold, min_score = torch.tensor([iou_threshold, min_score], dtype=dtype)
    kept: list[Tensor] = []
    left = torch.arange(len(boxes), device=boxes.device)
    while len(left):
        position = scores[left].argmax()
        best = left[position]
        dets[len(kept)] = torch.cat([boxes[best], scores[best, None]])
        kept.append(best)

        left = torch.cat([left[:position], left[position + 1 :]])
        top_left = torch.maximum(boxes[best, :2], boxes[left, :2])
        bottom_right = torch.minimum(boxes[best, 2:], boxes[left, 2:])
        common = (bottom_right - top_left + offset).clamp(min=0).prod(1)
        overlaps = common / (areas[best] + areas[left] - common)
        if method == _GAUSSIAN:
            factors = torch.exp(-(overlaps**2) / sigma)
        else:
            lowered = 1 - overlaps if method == _LINEAR else torch.zeros_like(overlaps)
            factors = torch.where(overlaps >= iou_threshold, lowered, 1)
        scores[left] *= factors
        left = left[~(scores[left] < min_score)]
    return torch.stack(kept) if kept else left
