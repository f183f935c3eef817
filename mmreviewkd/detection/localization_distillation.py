"""How sure the teacher is of each side of a box."""

from collections.abc import Sequence

import torch
from mmdet.models.dense_heads import GFLHead, LDHead
from mmengine.registry import MODELS
from torch import Tensor, nn

from mmreviewkd.losses.levelwise import as_float
from mmreviewkd.methods import Batch, Distillation

from .dense_heads import (
    assigned_labels,
    class_rows,
    dense_head,
    flat_rows,
    head_pair,
    of_levels,
)
from .logit_distillation import softmax_divergence
from .weighted_mean import weighted_mean

KINDS = (GFLHead, LDHead)


@MODELS.register_module()
class LocalizationDistillation(Distillation):
    """Localisation distillation (LD), for GFL.

    GFL predicts a distribution over distances for each side of a box. The
    Kullback-Leibler divergence of the student's, softened by a temperature, from the
    teacher's is averaged over sides and bins, and over the positive points, weighted
    by the student's highest class score there. See "Localization Distillation for Dense
    Object Detection", CVPR 2022 (https://arxiv.org/abs/2102.12252).

    It is the loss of MMDetection's :class:`LDHead` on a plain GFL head, except that the
    weights are divided by their sum, so that one ``loss_weight`` serves any number of
    objects: as in its other losses of boxes, the sum of all processes. Positive is what
    the student's own loss takes to be an object. As in MMDetection, the paper's
    valuable localisation region beside the positives is left out, and so is its
    distillation of class scores.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        temperature (float): What scores are divided by. Defaults to 10.0.
        loss_weight (float): Weight of the loss. Defaults to 1.0.
    """

    needs_heads = True

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        temperature: float = 10.0,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, loss_weight)
        self.temperature = temperature

    def student_modules(self, student: nn.Module) -> Sequence[str]:
        """Name the head and the loss that is given the labels."""
        dense_head(student, 'LocalizationDistillation', KINDS)
        return ('bbox_head', 'bbox_head.loss_cls')

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Compare the distributions; 0 where nothing is positive.

        Raises:
            ValueError: If the heads do not fit together.
        """
        own, other = head_pair(batch, 'LocalizationDistillation', KINDS)
        scores, ours = batch.call('bbox_head').output
        with torch.no_grad():
            theirs = other(batch.teacher_feats)[1]
        levels = [level.index for level in batch.levels]
        labels = of_levels(assigned_labels(batch), scores, levels, own.num_base_priors)
        positive = (labels >= 0) & (labels < own.num_classes)
        weight = class_rows(own, [scores[level] for level in levels]).detach()
        weight = weight.sigmoid().amax(1)[positive]
        bins = own.reg_max + 1
        preds, targets = (
            as_float(flat_rows(maps, 4 * bins))[positive].view(-1, bins)
            for maps in (
                [ours[level] for level in levels],
                [theirs[level.index] for level in batch.teacher_levels],
            )
        )
        sides = softmax_divergence(preds, targets, self.temperature) / bins
        mean = sides.view(-1, 4).mean(1)
        return dict(loss=weighted_mean(mean, weight))
