"""How much each position of the compared maps counts."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmreviewkd.methods import Batch
from mmreviewkd.names import counted

from .confidence import confidence
from .dense_heads import check_features
from .fgd import object_mask

FITS = (
    'one-stage detectors whose box head gives class scores for each anchor or point '
    '(RetinaNet, FCOS, ATSS, GFL, RTMDet, ...) and those with an RPN'
)


@torch.no_grad()
def score_weights(batch: Batch, method: str) -> list[Tensor]:
    """Weigh positions by the highest class score that the teacher has there.

    Of a two-stage teacher it is the RPN's score for any object.

    Args:
        batch (Batch): What there is to compare, with a teacher with its heads.
        method (str): Who asks, for errors.

    Returns:
        list[Tensor]: From 0 to 1, for each compared level, (N, 1, H_i, W_i).

    Raises:
        ValueError: If the teacher's head has no such scores.
    """
    teacher = batch.teacher.model
    head = scoring_head(teacher, method)
    check_features(method, 'teacher', teacher, batch.teacher_levels)
    outputs = head(batch.teacher_feats)
    number = len(outputs[0])
    weights = []
    for level, target in zip(batch.teacher_levels, batch.targets, strict=True):
        if level.index >= number:
            raise ValueError(
                f"{method} needs the teacher's scores on each compared level, but its "
                f'{type(head).__name__} has {counted(number, "level")}, and level '
                f'{level.index} is compared; leave it out of model.levels'
            )
        weight = confidence(head, outputs, level.index).amax(1, keepdim=True)
        weights.append(fit(weight.to(target), target))
    return weights


def scoring_head(detector: Any, method: str) -> Any:
    """Find the head of a detector that scores positions.

    Raises:
        ValueError: If there is none.
    """
    rpn = getattr(detector, 'rpn_head', None)
    head = getattr(detector, 'bbox_head', None) if rpn is None else rpn
    if not hasattr(head, 'use_sigmoid_cls'):
        raise ValueError(
            f'{method} needs the scores of the teacher at each position, as {FITS} '
            f'give them; got {type(head or detector).__name__}; '
            "weights='boxes' suits any detector"
        )
    return head


def fit(weight: Tensor, target: Tensor) -> Tensor:
    """Give weights (N, 1, h, w) the batch and the size of a map."""
    if len(weight) != len(target):
        # A student such as TridentNet has several maps of each image.
        weight = weight.repeat(len(target) // len(weight), 1, 1, 1)
    if weight.shape[2:] != target.shape[2:]:
        weight = F.interpolate(weight, size=target.shape[2:], mode='nearest')
    return weight


def box_weights(
    boxes: Sequence[Tensor], targets: Sequence[Tensor], image_size: Sequence[int]
) -> list[Tensor]:
    """Weigh positions by whether an annotated object is there: 1 or 0.

    Args:
        boxes (Sequence[Tensor]): Each image's boxes (K, 4), in pixels.
        targets (Sequence[Tensor]): Maps (N, C, H_i, W_i).
        image_size (Sequence[int]): Height and width of the padded images.

    Returns:
        list[Tensor]: For each level, (N, 1, H_i, W_i).
    """
    weights = []
    for target in targets:
        masks = [object_mask(own, target.shape[2:], image_size) > 0 for own in boxes]
        weights.append(torch.stack(masks)[:, None].to(target))
    return weights
