"""Where the anchors are that are near an object."""

from typing import Any

import torch
from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor, nn

from mmreviewkd.methods import Batch
from mmreviewkd.names import counted

from .dense_heads import check_features


def near_masks(batch: Batch, threshold: float, method: str) -> list[Tensor]:
    """Mark the positions of the student's maps that have an anchor near an object.

    For each object, the anchors count as near whose overlap with it (IoU) exceeds
    ``threshold`` times that of the best one; a position is marked where any of its
    anchors is near any object. An object's best anchor is sought on all compared levels
    together, so that it marks those that fit its size. See "Distilling Object Detectors
    with Fine-grained Feature Imitation", CVPR 2019 (https://arxiv.org/abs/1906.03609).

    Args:
        batch (Batch): What there is to compare.
        threshold (float): Share of the best overlap from which an anchor is near.
        method (str): Who asks, for errors.

    Returns:
        list[Tensor]: For each compared level a mask (N, H_i, W_i).

    Raises:
        ValueError: If the student has points instead of anchors, or neither, or its
            anchors are not on the maps that are compared.
    """
    generator = prior_generator(batch.student, method)
    check_features(method, 'student', batch.student, batch.levels)
    sizes = [feat.shape[-2:] for feat in batch.student_feats]
    if len(sizes) != generator.num_levels:
        raise ValueError(
            f'{method} needs anchors on each map, but the student has '
            f'{counted(len(sizes), "map")} and anchors on {generator.num_levels} levels'
        )
    anchors = generator.grid_priors(sizes, device=batch.images.device)
    if anchors[0].shape[-1] != 4:
        raise ValueError(
            f'{method} needs a student with anchors, but '
            f'{type(batch.student).__name__} has points; FGD, and '
            "WeightedFeatureDistillation with weights='boxes', need the annotated "
            'boxes only and suit it'
        )
    anchors = [anchors[level.index] for level in batch.levels]
    near = torch.stack(
        [near_anchors(boxes, torch.cat(anchors), threshold) for boxes in batch.boxes]
    )
    return [
        level.unflatten(1, (*feat.shape[-2:], -1)).any(-1)
        for level, feat in zip(
            near.split([len(level) for level in anchors], dim=1),
            batch.feats,
            strict=True,
        )
    ]


def prior_generator(student: nn.Module, method: str) -> Any:
    """Find the generator of the anchors of a student's RPN or dense box head.

    Raises:
        ValueError: If there is none.
    """
    head = getattr(student, 'rpn_head', None) or getattr(student, 'bbox_head', None)
    generator = getattr(head, 'prior_generator', None)
    if generator is None:
        raise ValueError(
            f'{type(student).__name__} has neither an RPN nor a box head with a '
            f'prior_generator, whose anchors {method} needs; choose a method for whole '
            'maps'
        )
    return generator


def near_anchors(boxes: Tensor, anchors: Tensor, threshold: float) -> Tensor:
    """Tell which anchors (A, 4) are near any of the boxes (K, 4): a mask (A,)."""
    overlaps = bbox_overlaps(boxes, anchors)
    best = overlaps.amax(1, keepdim=True)
    return (overlaps > threshold * best).any(0)
