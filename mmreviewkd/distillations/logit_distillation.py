"""Learning from the teacher's classification scores."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmdet.models.dense_heads import TOODHead
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from torch import Tensor, nn

from mmreviewkd.losses.levelwise import as_float

from .distillation import Distillation, Step


@MODELS.register_module()
class LogitDistillation(Distillation):
    """Knowledge distillation (KD) on classification scores, softened by a temperature.

    The Kullback-Leibler divergence of the student's class probabilities from the
    teacher's, times the squared temperature. See "Distilling the Knowledge in a Neural
    Network", section 2 (https://arxiv.org/abs/1503.02531).

    Published for classification. Carried over to two-stage detectors: the student's
    best proposals go through both box heads, each on its own maps, and the divergence
    is averaged over them. Carried over to one-stage detectors: the scores of all
    anchors or points of the levels compared; as nearly all are background, their
    average is weighted by the teacher's highest probability, like the masks of
    "Distilling Object Detectors with Feature Richness", NeurIPS 2021
    (https://arxiv.org/abs/2111.00674). Where a head has a sigmoid for each class, the
    divergences of all classes are summed.

    Both detectors have to be of the same kind, with the same classes; two-stage ones
    with :obj:`StandardRoIHead`, so that cascades are refused.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        temperature (float): What scores are divided by. Defaults to 2.0.
        max_proposals (int): Most proposals taken of an image. Defaults to 128.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    needs_heads = True

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        temperature: float = 2.0,
        max_proposals: int = 128,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, loss_weight)
        self.temperature = temperature
        self.max_proposals = max_proposals

    def forward(self, step: Step) -> Tensor:
        """Compare the class scores.

        Raises:
            ValueError: If the heads cannot be compared.
        """
        if hasattr(step.student, 'roi_head'):
            return self.compare_proposals(step)
        return self.compare_priors(step)

    def compare_proposals(self, step: Step) -> Tensor:
        """Compare the scores of the student's proposals (two-stage detectors)."""
        own, other = (_roi_head(one) for one in (step.student, step.teacher))
        _check_classes(own.bbox_head, other.bbox_head)
        with torch.no_grad():
            proposals = step.student.rpn_head.predict(
                step.student_feats, step.data_samples
            )
        rois = bbox2roi([one.bboxes[: self.max_proposals] for one in proposals])
        divergence = softmax_divergence(
            own._bbox_forward(step.student_feats, rois)['cls_score'],
            other._bbox_forward(step.teacher_feats, rois)['cls_score'],
            self.temperature,
        )
        return divergence.sum() / max(len(rois), 1)

    def compare_priors(self, step: Step) -> Tensor:
        """Compare the scores of all anchors or points (one-stage detectors)."""
        own, other = (_dense_head(one) for one in (step.student, step.teacher))
        _check_classes(own, other)
        preds = _scores(own, step.student_feats, step.student_levels)
        targets = _scores(other, step.teacher_feats, step.teacher_levels)
        if preds.shape != targets.shape or own.use_sigmoid_cls != other.use_sigmoid_cls:
            raise ValueError(
                f"the student's {type(own).__name__} has class scores of the shape "
                f"{tuple(preds.shape)}, the teacher's {type(other).__name__} "
                f'{tuple(targets.shape)}; LogitDistillation needs heads with as many '
                'anchors or points to a position, and with the same activation'
            )
        if own.use_sigmoid_cls:
            divergence = sigmoid_divergence(preds, targets, self.temperature)
            weight = targets.sigmoid().amax(1)
        else:
            divergence = softmax_divergence(preds, targets, self.temperature)
            weight = targets.softmax(1)[:, : other.num_classes].amax(1)
        return (divergence * weight).sum() / weight.sum()


def softmax_divergence(preds: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """Divergence of each row's softmax from its target's, from scores (K, C): (K,)."""
    preds, targets = (
        (as_float(x) / temperature).log_softmax(1) for x in (preds, targets)
    )
    return temperature**2 * F.kl_div(
        preds, targets, reduction='none', log_target=True
    ).sum(1)


def sigmoid_divergence(preds: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """The like, (K,), where each of the classes has a sigmoid of its own."""
    preds, targets = (as_float(x) / temperature for x in (preds, targets))
    likely = targets.sigmoid()
    divergence = likely * (F.logsigmoid(targets) - F.logsigmoid(preds))
    divergence += (1 - likely) * (F.logsigmoid(-targets) - F.logsigmoid(-preds))
    return temperature**2 * divergence.sum(1)


def _roi_head(detector: nn.Module) -> StandardRoIHead:
    head = getattr(detector, 'roi_head', None)
    if not isinstance(head, StandardRoIHead) or head.bbox_head.custom_activation:
        raise ValueError(
            'LogitDistillation needs a student and a teacher with one box head and a '
            'softmax (StandardRoIHead), or two one-stage detectors; got '
            f'{type(head or detector).__name__}'
        )
    return head


def _dense_head(detector: nn.Module) -> BaseDenseHead:
    head = getattr(detector, 'bbox_head', None)
    # TOODHead gives probabilities.
    if not hasattr(head, 'use_sigmoid_cls') or isinstance(head, TOODHead):
        raise ValueError(
            'LogitDistillation needs two one-stage detectors whose box heads give '
            'scores of classes for each anchor or point, or two two-stage detectors; '
            f'got {type(head or detector).__name__}'
        )
    return head


def _check_classes(own: nn.Module, other: nn.Module) -> None:
    if own.num_classes != other.num_classes:
        raise ValueError(
            f'the student tells {own.num_classes} classes apart, the teacher '
            f'{other.num_classes}; LogitDistillation needs a teacher of the same '
            'classes'
        )


def _scores(
    head: BaseDenseHead, feats: Sequence[Tensor], levels: Sequence[int]
) -> Tensor:
    """The scores (K, C) of all anchors or points of some levels."""
    maps = head(feats)[0]
    return torch.cat(
        [
            maps[level].movedim(1, -1).reshape(-1, head.cls_out_channels)
            for level in levels
        ]
    )
