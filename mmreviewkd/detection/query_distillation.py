"""Learning from the queries of a detection transformer."""

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.dense_heads import (
    ConditionalDETRHead,
    DABDETRHead,
    DeformableDETRHead,
    DETRHead,
    DINOHead,
)
from mmdet.structures.bbox import bbox_cxcywh_to_xyxy, bbox_overlaps
from mmengine.registry import MODELS
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from mmreviewkd.losses.levelwise import as_float
from mmreviewkd.methods import Batch, Distillation

from .dense_heads import check_features, giou_distance
from .logit_distillation import sigmoid_divergence, softmax_divergence
from .weighted_mean import weighted_mean

HEADS = (DETRHead, ConditionalDETRHead, DABDETRHead, DeformableDETRHead, DINOHead)


@MODELS.register_module()
class QueryDistillation(Distillation):
    """Distils class scores and boxes of matched queries, for the DETR family.

    The queries of two transformers have no common order. The teacher's most confident
    queries are matched to the student's, one to one, at least cost (Hungarian
    matching): the distance of their class probabilities (L1, summed over the classes),
    of their boxes (L1, of centre and size in shares of the image) and 1 - GIoU, with
    the weights of DETR, 1, 5 and 2. Of each pair, the divergence of the class scores
    and both distances of the boxes are summed with these weights, and averaged with the
    teacher's highest class probability as the weight. See "DETRDistill: A Universal
    Knowledge Distillation Framework for DETR-families", ICCV 2023
    (https://arxiv.org/abs/2211.10156); "End-to-End Object Detection with Transformers",
    ECCV 2020 (https://arxiv.org/abs/2005.12872), for the matching.

    Of DETRDistill it is the logits' part, with the weights of the authors' code. That
    compares all layers of both decoders and all of the teacher's queries alike, and
    matches classes by their cross-entropy; here it is the last layer, the queries count
    by their confidence, and classes are matched by their distance. Denoising queries of
    DINO have no part in it.

    It fits DETR, Conditional DETR, DAB-DETR, Deformable DETR and DINO, also one under
    another, with the same classes and both with a sigmoid or both with a softmax.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        queries (int): Most queries taken of the teacher, by their highest class
            probability. Defaults to 100.
        class_weight (float): Weight of the classes. Defaults to 1.0.
        box_weight (float): Weight of the boxes' L1 distance. Defaults to 5.0.
        giou_weight (float): Weight of 1 - GIoU. Defaults to 2.0.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    needs_heads = True

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        queries: int = 100,
        class_weight: float = 1.0,
        box_weight: float = 5.0,
        giou_weight: float = 2.0,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, loss_weight)
        self.queries = queries
        self.weights = (class_weight, box_weight, giou_weight)

    def student_modules(self, student: nn.Module) -> Sequence[str]:
        """Name the head, whose predictions are compared."""
        query_head(student)
        return ('bbox_head',)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Match and compare the queries of each image.

        Raises:
            ValueError: If the heads do not fit together.
        """
        student: Any = batch.student
        teacher: Any = batch.teacher.model
        own, other = query_head(student), query_head(teacher)
        check_classes(own, other)
        check_features('QueryDistillation', 'teacher', teacher, batch.teacher_levels)
        with torch.no_grad():
            inputs = teacher.forward_transformer(
                batch.teacher_feats, batch.data_samples
            )
            theirs = [layers[-1] for layers in other(**inputs)]
        # Denoising queries come first.
        ours = [
            layers[-1][:, -student.num_queries :]
            for layers in batch.call('bbox_head').output
        ]
        sigmoid = own.loss_cls.use_sigmoid
        parts: list[Tensor] = []
        weights: list[Tensor] = []
        for scores, boxes, their_scores, their_boxes in zip(
            *map(as_float, (*ours, *theirs)), strict=True
        ):
            found = probabilities(their_scores, sigmoid)
            confident = found if sigmoid else found[:, :-1]
            weight, taken = confident.amax(1).topk(min(self.queries, len(found)))
            their_scores, their_boxes = their_scores[taken], their_boxes[taken]
            mine, target = match(
                (probabilities(scores, sigmoid), boxes),
                (found[taken], their_boxes),
                self.weights,
            )
            parts.append(
                pair_distances(
                    (scores[mine], boxes[mine]),
                    (their_scores[target], their_boxes[target]),
                    sigmoid,
                )
            )
            weights.append(weight[target])
        distances, weight = torch.cat(parts, 1), torch.cat(weights)
        classes, sides, overlaps = weighted_mean(distances, weight)
        return dict(
            loss_cls=self.weights[0] * classes,
            loss_bbox=self.weights[1] * sides,
            loss_iou=self.weights[2] * overlaps,
        )


Predictions = tuple[Tensor, Tensor]
"""Class scores or probabilities (Q, C), and boxes (Q, 4) as centre and size."""


@torch.no_grad()
def match(
    ours: Predictions, theirs: Predictions, weights: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Match the queries of one image, one to one, at least cost.

    Args:
        ours (tuple[Tensor, Tensor]): The student's class probabilities (Q, C) and
            boxes (Q, 4), as centre and size.
        theirs (tuple[Tensor, Tensor]): The teacher's.
        weights (Sequence[float]): Of the distance of the probabilities, of the boxes,
            and of 1 - GIoU.

    Returns:
        tuple[Tensor, Tensor]: Numbers of the student's queries, and of the teacher's
        that they are matched to; as many as the side with fewer has.
    """
    overlaps = bbox_overlaps(
        bbox_cxcywh_to_xyxy(ours[1]), bbox_cxcywh_to_xyxy(theirs[1]), mode='giou'
    )
    costs = [
        torch.cdist(ours[0], theirs[0], p=1),
        torch.cdist(ours[1], theirs[1], p=1),
        1 - overlaps,
    ]
    total = sum(weight * cost for weight, cost in zip(weights, costs, strict=True))
    if not torch.isfinite(total).all():
        # The loss will not be finite either, and says so; any match does.
        total = torch.zeros_like(total)
    rows, columns = linear_sum_assignment(total.cpu().numpy())
    device = total.device
    return torch.as_tensor(rows, device=device), torch.as_tensor(columns, device=device)


def pair_distances(ours: Predictions, theirs: Predictions, sigmoid: bool) -> Tensor:
    """Compare matched queries, K pairs.

    Args:
        ours (tuple[Tensor, Tensor]): The student's class scores (K, C), before the
            sigmoid or softmax, and boxes (K, 4), as centre and size.
        theirs (tuple[Tensor, Tensor]): The teacher's.
        sigmoid (bool): Whether each class has a sigmoid; else there is a softmax.

    Returns:
        Tensor: Divergences of the class scores, L1 distances of the boxes and
        1 - GIoU, (3, K).
    """
    divergence = sigmoid_divergence if sigmoid else softmax_divergence
    return torch.stack(
        [
            divergence(ours[0], theirs[0], 1.0),
            (ours[1] - theirs[1]).abs().sum(1),
            giou_distance(*(bbox_cxcywh_to_xyxy(one[1]) for one in (ours, theirs))),
        ]
    )


def probabilities(scores: Tensor, sigmoid: bool) -> Tensor:
    """Turn class scores (Q, C) into probabilities."""
    return scores.sigmoid() if sigmoid else scores.softmax(1)


def query_head(detector: Any) -> Any:
    """Find the head of a detection transformer.

    Raises:
        ValueError: If the detector is none that fits; names those that do.
    """
    head = getattr(detector, 'bbox_head', None)
    # Subclasses, such as DDQ's and Grounding DINO's, order their queries or classes in
    # another way.
    if type(head) not in HEADS:
        found = type(detector if head is None else head).__name__
        raise ValueError(
            'QueryDistillation fits the DETR family: DETR, Conditional DETR, DAB-DETR, '
            f'Deformable DETR and DINO; got {found}'
        )
    return head


def check_classes(own: Any, other: Any) -> None:
    """Refuse heads whose class scores cannot be compared.

    Raises:
        ValueError: If classes or activations differ.
    """
    if own.num_classes != other.num_classes:
        raise ValueError(
            f'the student tells {own.num_classes} classes apart, the teacher '
            f'{other.num_classes}; QueryDistillation needs a teacher of the same '
            'classes'
        )
    sigmoid = [bool(head.loss_cls.use_sigmoid) for head in (own, other)]
    if sigmoid[0] != sigmoid[1]:
        names = ['a sigmoid for each class' if one else 'a softmax' for one in sigmoid]
        raise ValueError(
            f"QueryDistillation: the student's head has {names[0]}, the teacher's "
            f'{names[1]}; choose a teacher with the same loss_cls.use_sigmoid'
        )
