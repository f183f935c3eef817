"""Class scores as binary maps, and boxes by their overlap."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmdet.utils import reduce_mean
from mmengine.registry import MODELS
from torch import Tensor, nn

from mmreviewkd.methods import Batch, Distillation

from .dense_heads import (
    assigned_labels,
    box_rows,
    class_rows,
    dense_head,
    giou_distance,
    head_pair,
    of_levels,
)


@MODELS.register_module()
class BCKD(Distillation):
    """Binary classification distillation (BCKD), for dense heads.

    Classes: the binary cross-entropy of the student's sigmoid scores to the teacher's,
    each weighted by their absolute difference. Boxes: 1 - GIoU to the teacher's boxes,
    each weighted by the largest of these differences over the classes. Both are summed
    over all anchors or points, and divided by the number of positive ones. See
    "Bridging Cross-task Protocol Inconsistency for Distillation in Dense Object
    Detection", ICCV 2023 (https://arxiv.org/abs/2308.14286); weights and
    normalisation are those of the authors' code for GFL.

    As there, the weight of a class is part of the gradient, that of a box is not.
    Positive is what the student's own loss takes to be an object in this step; nothing
    is assigned twice. The authors' code leaves out anchors in the padding, anchors that
    the assigner ignores, and levels without a positive one; here they count.

    It fits GFL, RetinaNet, FCOS and ATSS, the same head on both sides.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        box_weight (float): Weight of the boxes' part. Defaults to 4.0, as published.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    needs_heads = True

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        box_weight: float = 4.0,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, loss_weight)
        self.box_weight = box_weight

    def student_modules(self, student: nn.Module) -> Sequence[str]:
        """Name the head and the loss that is given the labels."""
        dense_head(student, 'BCKD')
        return ('bbox_head', 'bbox_head.loss_cls')

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compare scores and boxes.

        Raises:
            ValueError: If the heads do not fit together.
        """
        own, other = head_pair(batch, 'BCKD')
        ours = batch.call('bbox_head').output
        with torch.no_grad():
            theirs = other(batch.teacher_feats)
        levels = [level.index for level in batch.levels]
        their_levels = [level.index for level in batch.teacher_levels]
        labels = of_levels(assigned_labels(batch), ours[0], levels, own.num_base_priors)
        positive = (labels >= 0) & (labels < own.num_classes)
        # Of all processes on average, as the heads of MMDetection count them.
        number = reduce_mean(positive.sum().float()).clamp(min=1)
        scores = class_rows(own, [ours[0][level] for level in levels])
        targets = class_rows(other, [theirs[0][level] for level in their_levels])
        classes = binary_distance(scores, targets)
        weight = (scores.detach().sigmoid() - targets.sigmoid()).abs().amax(1)
        boxes = giou_distance(
            box_rows(own, ours[1], levels), box_rows(other, theirs[1], their_levels)
        )
        return dict(
            loss_cls=classes.sum() / number,
            loss_bbox=self.box_weight * (weight * boxes).sum() / number,
        )


def binary_distance(preds: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of each sigmoid to its target's, weighted by how far it is off.

    Args:
        preds (Tensor): Scores of the student, before the sigmoid.
        targets (Tensor): Those of the teacher, of the same shape.

    Returns:
        Tensor: A value for each; 0 where they are the same.
    """
    likely = targets.sigmoid()
    weight = (preds.sigmoid() - likely).abs()
    return weight * F.binary_cross_entropy_with_logits(preds, likely, reduction='none')
