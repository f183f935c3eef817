"""The student's map from inside its head, judged by the teacher's head."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from mmdet.models.dense_heads import FCOSHead, GFLHead, RetinaHead
from mmdet.models.losses.gfocal_loss import quality_focal_loss_tensor_target
from mmdet.utils import reduce_mean
from mmengine.registry import MODELS
from torch import Tensor, nn

from mmreviewkd.losses.levelwise import as_float
from mmreviewkd.methods import Batch, Distillation

from .dense_heads import (
    LAYERS,
    assigned_labels,
    box_rows,
    class_rows,
    dense_head,
    flat_rows,
    giou_distance,
    head_pair,
    of_levels,
)
from .logit_distillation import softmax_divergence

TOWERS = ('cls_convs', 'reg_convs')


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
    Cross-Head Knowledge Distillation for Object Detection", CVPR 2024
    (https://arxiv.org/abs/2306.11369).

    The map is taken before the activation. It gets the teacher's mean and standard
    deviation, channel by channel over the batch and all positions, and is then
    activated. Classes are compared by the quality focal loss to the teacher's scores,
    boxes by 1 - GIoU to the teacher's boxes, weighted by the teacher's highest class
    score. Both are summed over all anchors or points, and divided by the number of
    those that are positive in the student's own loss. Of GFL, which predicts a
    distribution for each side of a box, these are compared in place of the boxes: by
    the Kullback-Leibler divergence from the teacher's, averaged over the sides, and
    over all points with the same weights.

    That is the authors' code for RetinaNet and GFL. For the other heads it differs from
    this class: for ATSS it also compares the centerness; for FCOS it divides by the sum
    of the centerness targets, takes IoU instead of GIoU, ``rest=2``, and the weights
    0.4 and 0.75. For all of them, FCOS apart, it leaves out anchors in the padding and
    those that the assigner ignores.

    It fits GFL, RetinaNet, FCOS and ATSS, the same head on both sides. A two-stage
    detector predicts from proposals instead of maps, and its RPN has one convolution
    for both tasks; it is refused.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        rest (int): Convolutions of each of the teacher's towers that the student's map
            goes through, before the layer that predicts. Defaults to 1: of four
            convolutions the student's map comes from the third, as in the authors'
            configs of GFL, RetinaNet and ATSS.
        beta (float): Exponent of the quality focal loss. Defaults to 1.0.
        box_weight (float, optional): Weight of the boxes' part. Defaults to None: the
            authors', 4.0 for GFL and 1.0 for the others.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    needs_heads = True

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        rest: int = 1,
        beta: float = 1.0,
        box_weight: float | None = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, loss_weight)
        self.rest = rest
        self.beta = beta
        self.box_weight = box_weight

    def student_modules(self, student: nn.Module) -> Sequence[str]:
        """Name the activations whose inputs are taken, and the loss with the labels."""
        head = dense_head(student, 'CrossKD')
        last = self.depth(head) - 1
        for convs in towers(head):
            # In place, it would overwrite the map that is taken.
            convs[last].activate.inplace = False
        activations = (f'bbox_head.{tower}.{last}.activate' for tower in TOWERS)
        return (*activations, 'bbox_head.loss_cls')

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
        *names, loss = self.student_modules(batch.student)
        found = Maps(
            *([call.inputs[0] for call in batch.calls(name)] for name in names)
        )
        with torch.no_grad():
            inside = Maps(
                *(
                    [_run_inside(convs[:depth], feat) for feat in batch.teacher_feats]
                    for convs in towers(other)
                )
            )
            theirs = self.predict(other, inside)
        # Only levels that are compared need go on.
        levels = [level.index for level in batch.levels]
        their_levels = [level.index for level in batch.teacher_levels]
        crossed = Maps(*(list(maps) for maps in inside))
        for tower, maps in zip(crossed, found, strict=True):
            for ours, target in zip(levels, their_levels, strict=True):
                tower[target] = rescale(maps[ours], tower[target])
        preds = self.predict(other, crossed)
        labels = of_levels(
            assigned_labels(batch, loss), found.classes, levels, own.num_base_priors
        )
        positive = (labels >= 0) & (labels < own.num_classes)
        # Of all processes on average, as the heads of MMDetection count them.
        number = reduce_mean(positive.sum().float()).clamp(min=1)
        return self.compare(other, preds, theirs, their_levels, number)

    def predict(self, head: Any, inside: Maps) -> Maps:
        """Run the rest of a head, from the maps inside it."""
        depth = self.depth(head)
        classes, boxes = (
            [_run_rest(convs[depth - 1 :], feat) for feat in maps]
            for convs, maps in zip(towers(head), inside, strict=True)
        )
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
        self,
        head: Any,
        preds: Maps,
        targets: Maps,
        levels: Sequence[int],
        number: Tensor,
    ) -> dict[str, Tensor]:
        """Compare class scores and boxes, where ``number`` anchors are positive."""
        ours, theirs = (
            class_rows(head, [maps.classes[level] for level in levels])
            for maps in (preds, targets)
        )
        scores = theirs.sigmoid()
        weight = scores.amax(1)
        classes = quality_focal_loss_tensor_target(
            ours, scores, beta=self.beta, reduction='sum'
        )
        if isinstance(head, GFLHead):
            distance = side_divergence(head, preds, targets, levels)
            total, published = weight.sum(), 4.0
        else:
            decoded = (box_rows(head, maps.boxes, levels) for maps in (preds, targets))
            distance = giou_distance(*decoded)
            total, published = number, 1.0
        factor = published if self.box_weight is None else self.box_weight
        return dict(
            loss_cls=classes / number,
            loss_bbox=factor * (weight * distance).sum() / total,
        )


def side_divergence(
    head: Any, preds: Maps, targets: Maps, levels: Sequence[int]
) -> Tensor:
    """Compare the distributions of a GFL's sides, averaged over the four: (K,)."""
    ours, theirs = (
        flat_rows([maps.boxes[level] for level in levels], head.reg_max + 1)
        for maps in (preds, targets)
    )
    return softmax_divergence(ours, theirs, 1.0).view(-1, 4).mean(1)


def towers(head: Any) -> list[Any]:
    """The convolutions of a head for classes, and those for boxes."""
    return [getattr(head, tower) for tower in TOWERS]


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


def _run_inside(convs: Any, feat: Tensor) -> Tensor:
    """Run convolutions up to the activation of the last."""
    for conv in convs[:-1]:
        feat = conv(feat)
    return convs[-1](feat, activate=False)


def _run_rest(convs: Any, feat: Tensor) -> Tensor:
    """Run convolutions from the activation of the first on."""
    # It may be in place.
    feat = convs[0].activate(feat.clone())
    for conv in convs[1:]:
        feat = conv(feat)
    return feat
