"""Learning from the teacher's classification scores."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.models.dense_heads import TOODHead
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.roi_heads import StandardRoIHead
from mmengine.registry import MODELS
from torch import Tensor, nn

from mmreviewkd.losses.kl import standardize_logits
from mmreviewkd.losses.levelwise import as_float
from mmreviewkd.methods import Batch, Distillation
from mmreviewkd.methods.classifiers import is_classifier

from .confidence import confidence
from .weighted_mean import weighted_mean


@MODELS.register_module()
class LogitDistillation(Distillation):
    """Knowledge distillation (KD) on classification scores, softened by a temperature.

    The Kullback-Leibler divergence of the student's class probabilities from the
    teacher's, times the squared temperature. See "Distilling the Knowledge in a Neural
    Network", 2015 (https://arxiv.org/abs/1503.02531).

    Published for classification, where the scores of each image are compared. Carried
    over to two-stage detectors: the proposals that the student is trained on go through
    the teacher's box head too, on its own maps, and the divergence is averaged over
    those of a process, as MMDetection's box heads average. Carried over to one-stage
    detectors: the scores of all anchors or points of the levels compared; as nearly all
    are background, their average, over all processes, is weighted by the teacher's
    highest probability, like the masks of "Distilling Object Detectors with Feature
    Richness", NeurIPS 2021 (https://arxiv.org/abs/2111.00674). Where a head has a
    sigmoid for each class, the divergences of all classes are summed. The student's
    scores are those of its own training step; its heads do not run again.

    Both detectors have to be of the same kind, with the same classes; two-stage ones
    with :obj:`StandardRoIHead`, so that cascades are refused.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        temperature (float): What scores are divided by. Defaults to 2.0.
        standardize (bool): Whether each proposal's or anchor's scores get mean 0 and
            standard deviation 1 first, see :func:`standardize_logits`; for heads with a
            softmax. Defaults to False.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    needs_heads = True

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        temperature: float = 2.0,
        standardize: bool = False,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, loss_weight)
        self.temperature = temperature
        self.standardize = standardize

    def student_modules(self, student: nn.Module) -> Sequence[str]:
        """Name the heads whose scores are compared."""
        if is_classifier(student):
            return ('head',)
        if hasattr(student, 'roi_head'):
            _roi_head(student)
            return ('roi_head.bbox_roi_extractor', 'roi_head.bbox_head')
        if _dense_head(student).use_sigmoid_cls:
            self.check_sigmoid()
        return ('bbox_head',)

    def check_sigmoid(self) -> None:
        """Refuse heads with a sigmoid for each class where a softmax is needed."""
        if self.standardize:
            raise ValueError(
                'LogitDistillation.standardize needs heads with a softmax: 0 is a '
                "sigmoid's threshold, which standardised scores lose; leave it out"
            )

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compare the class scores.

        Raises:
            ValueError: If the heads cannot be compared.
        """
        if is_classifier(batch.student):
            return dict(loss=self.compare_images(batch))
        if hasattr(batch.student, 'roi_head'):
            return dict(loss=self.compare_proposals(batch))
        return dict(loss=self.compare_priors(batch))

    def compare_images(self, batch: Batch) -> Tensor:
        """Compare the scores of the images (classifiers)."""
        teacher: Any = batch.teacher.model
        with torch.no_grad():
            targets = teacher.head(batch.teacher_feats)
        scores = batch.call('head').output
        if scores.shape != targets.shape:
            raise ValueError(
                f'the student tells {scores.shape[1]} classes apart, the teacher '
                f'{targets.shape[1]}; LogitDistillation needs a teacher of the same '
                'classes'
            )
        return self.divergence(batch, scores, targets).mean()

    def compare_proposals(self, batch: Batch) -> Tensor:
        """Compare the scores of the student's proposals (two-stage detectors)."""
        own, other = (_roi_head(one) for one in (batch.student, batch.teacher.model))
        _check_classes(own.bbox_head, other.bbox_head)
        rois = batch.last_call('roi_head.bbox_roi_extractor').inputs[1]
        scores = batch.last_call('roi_head.bbox_head').output[0]
        with torch.no_grad():
            # A student such as TridentNet has several maps of each image.
            times = max(1, len(batch.student_feats[0]) // len(batch.teacher_feats[0]))
            maps = tuple(feat.repeat(times, 1, 1, 1) for feat in batch.teacher_feats)
            targets = other._bbox_forward(maps, rois)['cls_score']
        return self.divergence(batch, scores, targets).sum() / max(len(rois), 1)

    def divergence(self, batch: Batch, preds: Tensor, targets: Tensor) -> Tensor:
        """Compare rows of scores (K, C) of which each makes a softmax: (K,)."""
        preds, targets = self.comparable(preds, targets)
        return softmax_divergence(preds, targets, self.temperature)

    def comparable(self, *rows: Tensor) -> list[Tensor]:
        """Give scores float32 at least, and standardise them where that is asked."""
        scores = [as_float(x) for x in rows]
        return [standardize_logits(x) for x in scores] if self.standardize else scores

    def compare_priors(self, batch: Batch) -> Tensor:
        """Compare the scores of all anchors or points (one-stage detectors)."""
        own, other = (_dense_head(one) for one in (batch.student, batch.teacher.model))
        _check_classes(own, other)
        with torch.no_grad():
            theirs = other(batch.teacher_feats)
        ours = batch.call('bbox_head').output[0]
        # A head sees its neck's levels in their order there.
        preds = _scores(own, [ours[level.index] for level in batch.levels])
        targets = _scores(
            other, [theirs[0][level.index] for level in batch.teacher_levels]
        )
        if preds.shape != targets.shape or own.use_sigmoid_cls != other.use_sigmoid_cls:
            raise ValueError(
                f"the student's {type(own).__name__} has class scores of the shape "
                f"{tuple(preds.shape)}, the teacher's {type(other).__name__} "
                f'{tuple(targets.shape)}; LogitDistillation needs heads with as many '
                'anchors or points to a position, and with the same activation'
            )
        if own.use_sigmoid_cls:
            divergence = sigmoid_divergence(preds, targets, self.temperature)
        else:
            divergence = self.divergence(batch, preds, targets)
        # Rows as those of the scores.
        weight = torch.cat(
            [
                confidence(other, theirs, level.index).movedim(1, -1).flatten()
                for level in batch.teacher_levels
            ]
        )
        return weighted_mean(divergence, weight)


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


def _roi_head(detector: Any) -> StandardRoIHead:
    head = getattr(detector, 'roi_head', None)
    if not isinstance(head, StandardRoIHead) or head.bbox_head.custom_activation:
        raise ValueError(
            'LogitDistillation needs a student and a teacher with one box head and a '
            'softmax (StandardRoIHead), or two one-stage detectors; got '
            f'{type(head or detector).__name__}'
        )
    return head


def _dense_head(detector: Any) -> BaseDenseHead:
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


def _scores(head: BaseDenseHead, maps: Sequence[Tensor]) -> Tensor:
    """The scores (K, C) of all anchors or points of some levels."""
    return torch.cat(
        [feat.movedim(1, -1).reshape(-1, head.cls_out_channels) for feat in maps]
    )
