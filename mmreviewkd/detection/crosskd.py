"""The student's map from inside its head, judged by the teacher's head."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from mmdet.models.dense_heads import FCOSHead, RetinaHead
from mmdet.models.losses.gfocal_loss import quality_focal_loss_tensor_target
from mmengine.registry import MODELS
from torch import Tensor, nn

from mmreviewkd.losses.levelwise import as_float
from mmreviewkd.methods import Batch, Distillation

from .dense_heads import (
    LAYERS,
    box_rows,
    class_rows,
    dense_head,
    giou_distance,
    head_pair,
)


class Maps(NamedTuple):
    """What the towers for classes and for boxes have made, a map for each level."""

    classes: list[Tensor]
    boxes: list[Tensor]


@MODELS.register_module()
class CrossKD(Distillation):
    """Cross-head knowledge distillation (CrossKD), for dense heads.

    The student's map from inside its head goes on through the last layers of the
    teacher's head, and what comes out is compared with what the teacher predicts. So
    the student's own predictions learn from the annotations alone. See "CrossKD:
    Cross-Head Knowledge Distillation for Object Detection", section 3.2, CVPR 2024
    (https://arxiv.org/abs/2306.11369).

    The student's map first gets the teacher's mean and standard deviation, channel by
    channel over the batch and all positions. Classes are compared by the quality focal
    loss to the teacher's scores, boxes by 1 - GIoU to the teacher's boxes. Both are
    averaged with the teacher's highest class score as the weight, where the paper
    divides by the number of positions; for GFL it also compares distributions of
    sides, which :class:`LocalizationDistillation` does.

    It fits GFL, RetinaNet, FCOS and ATSS, the same head on both sides. A two-stage
    detector predicts from proposals instead of maps, and its RPN has one convolution
    for both tasks; it is refused.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        rest (int): Convolutions of each of the teacher's towers that the student's map
            goes through, before the layer that predicts. Defaults to 1: of four
            convolutions the student's map comes from the third, as published.
        beta (float): Exponent of the quality focal loss. Defaults to 1.0.
        box_weight (float): Weight of the boxes' part. Defaults to 1.0.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    needs_heads = True

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        rest: int = 1,
        beta: float = 1.0,
        box_weight: float = 1.0,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, loss_weight)
        self.rest = rest
        self.beta = beta
        self.box_weight = box_weight

    def student_modules(self, student: nn.Module) -> Sequence[str]:
        """Name the convolutions whose maps are taken."""
        depth = self.depth(dense_head(student, 'CrossKD')) - 1
        return tuple(
            f'bbox_head.{tower}.{depth}' for tower in ('cls_convs', 'reg_convs')
        )

    def depth(self, head: Any) -> int:
        """How many convolutions of a head come before the map that is taken.

        Raises:
            ValueError: If the head has too few.
        """
        depth = len(head.cls_convs) - self.rest
        if depth < 1:
            raise ValueError(
                f'CrossKD.rest is {self.rest}, so that the heads need more than '
                f"{self.rest} convolutions; the student's or teacher's "
                f'{type(head).__name__} has stacked_convs={len(head.cls_convs)}'
            )
        return depth

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compare what the teacher's head makes of both sides' maps.

        Raises:
            ValueError: If the heads do not fit together.
        """
        own, other = head_pair(batch, 'CrossKD')
        if own.feat_channels != other.feat_channels:
            raise ValueError(
                "CrossKD leads maps of the student's head into the teacher's; they "
                f'have feat_channels={own.feat_channels} and {other.feat_channels}, '
                'but need as many'
            )
        depth = self.depth(other)
        with torch.no_grad():
            inside = Maps(
                [_run(other.cls_convs[:depth], feat) for feat in batch.teacher_feats],
                [_run(other.reg_convs[:depth], feat) for feat in batch.teacher_feats],
            )
            theirs = self.predict(other, inside)
        names = self.student_modules(batch.student)
        found = Maps(*([call.output for call in batch.calls(name)] for name in names))
        # Only levels that are compared need go on.
        pairs = [
            (ours.index, target.index)
            for ours, target in zip(batch.levels, batch.teacher_levels, strict=True)
        ]
        crossed = Maps(*(list(maps) for maps in inside))
        for tower, maps in zip(crossed, found, strict=True):
            for ours, target in pairs:
                tower[target] = rescale(maps[ours], tower[target])
        preds = self.predict(other, crossed)
        return self.compare(other, preds, theirs, [target for _, target in pairs])

    def predict(self, head: Any, inside: Maps) -> Maps:
        """Run the rest of a head, from the maps inside it."""
        classes = [
            _run(head.cls_convs[self.depth(head) :], feat) for feat in inside.classes
        ]
        boxes = [
            _run(head.reg_convs[self.depth(head) :], feat) for feat in inside.boxes
        ]
        layers = LAYERS[type(head)]
        predict_classes, predict_boxes = (getattr(head, name) for name in layers)
        sides = []
        for level, feat in enumerate(boxes):
            side = predict_boxes(feat)
            if not isinstance(head, RetinaHead):
                side = head.scales[level](side).float()
            if isinstance(head, FCOSHead):
                stride = head.strides[level]
                # As the head does in evaluation, where it counts in pixels.
                side = side.clamp(min=0) * stride if head.norm_on_bbox else side.exp()
            sides.append(side)
        return Maps([predict_classes(feat) for feat in classes], sides)

    def compare(
        self, head: Any, preds: Maps, targets: Maps, levels: Sequence[int]
    ) -> dict[str, Tensor]:
        """Compute the losses of class scores and of boxes."""
        ours, theirs = (
            class_rows(head, [maps.classes[level] for level in levels])
            for maps in (preds, targets)
        )
        scores = theirs.sigmoid()
        weight = scores.amax(1)
        classes = quality_focal_loss_tensor_target(
            ours, scores, beta=self.beta, reduction='sum'
        )
        distance = giou_distance(
            *(box_rows(head, maps.boxes, levels) for maps in (preds, targets))
        )
        return dict(
            loss_cls=classes / weight.sum(),
            loss_bbox=self.box_weight * (weight * distance).sum() / weight.sum(),
        )


def rescale(feat: Tensor, target: Tensor, eps: float = 1e-5) -> Tensor:
    """Give each channel of a map the mean and standard deviation of another's.

    Args:
        feat (Tensor): The student's map (N, C, H, W).
        target (Tensor): The teacher's map, with as many channels.
        eps (float): Is added to both variances. Defaults to 1e-5.

    Returns:
        Tensor: The map (N, C, H, W); the same where student and teacher agree.
    """
    feat, target = as_float(feat), as_float(target)
    (var, mean), (their_var, their_mean) = (
        torch.var_mean(one, dim=(0, 2, 3), keepdim=True, correction=0)
        for one in (feat, target)
    )
    scale = ((their_var + eps) / (var + eps)).sqrt()
    return (feat - mean) * scale + their_mean


def _run(layers: Any, feat: Tensor) -> Tensor:
    for layer in layers:
        feat = layer(feat)
    return feat
