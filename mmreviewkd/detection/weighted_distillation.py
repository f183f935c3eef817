"""Learning from the teacher's maps, most where objects are."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor

from mmreviewkd.losses import LevelwiseLoss
from mmreviewkd.losses.levelwise import as_float
from mmreviewkd.methods import Batch, FeatureDistillation

from .near_anchors import near_masks
from .position_weights import box_weights, fit, score_weights

NEAR = 0.5
"""FGFI's share of an object's best overlap from which an anchor is near it."""


@MODELS.register_module()
class WeightedFeatureDistillation(FeatureDistillation):
    """:class:`FeatureDistillation` where not all positions count alike.

    With ``weights='scores'`` a position x counts as much as w(x), the highest class
    score (sigmoid) that the teacher has there; the RPN's score of a two-stage teacher.
    With a 1x1 - ReLU - 1x1 connector and mean squared error that is score-weighted L2,
    the sum over x of ``w(x) |S(x) - T(x)|^2`` over C times the sum of w, as in
    Ultralytics 8.4 (``nn/distill_model.py``), which takes the teacher's maps as they
    are. "Distilling Object Detectors with Feature Richness", NeurIPS 2021
    (https://arxiv.org/abs/2111.00674) weighs maps by such scores too.

    With ``weights='boxes'`` positions within annotated boxes count, with ``'anchors'``
    those of :func:`near_masks`, as in FGFI: an object counts on the levels that fit its
    size. With HCL as the loss, the review looks at objects at each of its scales.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        connector (dict): See :class:`FeatureDistillation`.
        loss (dict): Config of a loss that can weigh positions: ``L2DistillLoss`` or
            ``HCLLoss``.
        weights (str): ``'scores'``, ``'boxes'`` or ``'anchors'``. Defaults to
            ``'scores'``.
        background (float): What is added to all weights, so that the rest counts too.
            Defaults to 0.0.
        across_levels (bool): Whether the weights of all levels are normalised together:
            a level then counts as much as its positions do, and the loss is an average
            over all levels, not a sum. Without it a level with hardly any object counts
            as much as the others. Each process averages by itself. Defaults to False.
        standardize_targets (bool): See :class:`FeatureDistillation`. Defaults to False.
        dtype (str, optional): See :class:`FeatureDistillation`. Defaults to None.
        loss_weight (float): Weight of the loss. Defaults to 1.0.

    Raises:
        ValueError: If ``weights`` or ``loss`` is none of these.
    """

    # Weights come from annotations or the teacher's heads.
    maps_only = False

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        connector: dict,
        loss: dict,
        weights: str = 'scores',
        background: float = 0.0,
        across_levels: bool = False,
        standardize_targets: bool = False,
        dtype: str | None = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            connector,
            loss,
            standardize_targets,
            dtype,
            loss_weight,
        )
        if weights not in ('scores', 'boxes', 'anchors'):
            raise ValueError(
                f"distillation.weights is {weights!r}; it has to be 'scores', 'boxes' "
                "or 'anchors'"
            )
        own = getattr(type(self.loss), 'weighted_level_loss', None)
        if own in (None, LevelwiseLoss.weighted_level_loss):
            raise ValueError(
                f'{type(self.loss).__name__} cannot weigh positions; '
                'distillation.loss of WeightedFeatureDistillation has to be '
                'L2DistillLoss or HCLLoss'
            )
        self.weights = weights
        self.background = background
        self.across_levels = across_levels
        self.needs_heads = weights == 'scores'

    def by_level(
        self, batch: Batch, outs: Sequence[Tensor], targets: Sequence[Tensor]
    ) -> list[Tensor]:
        """Compute the weighted loss of each level."""
        found = self._weights(batch)
        numbers = self.connector.target_levels
        weights = [found[number] + self.background for number in numbers]
        loss: Any = self.loss
        losses = loss.by_level(outs, targets, weights)
        if not self.across_levels:
            return losses
        sums = torch.stack([as_float(weight).sum() for weight in weights])
        shares = sums / sums.sum().clamp(min=torch.finfo(sums.dtype).tiny)
        return [one * share for one, share in zip(losses, shares, strict=True)]

    def _weights(self, batch: Batch) -> list[Tensor]:
        """How much the positions of each of the teacher's levels count."""
        name = type(self).__name__
        if self.weights == 'scores':
            return score_weights(batch, name)
        if self.weights == 'boxes':
            return box_weights(batch.boxes, batch.targets, batch.images.shape[2:])
        masks = near_masks(batch, NEAR, name)
        return [
            # On smaller maps of the teacher a small object keeps a position.
            fit(F.adaptive_max_pool2d(mask.float(), target.shape[2:])[:, None], target)
            for mask, target in zip(masks, batch.targets, strict=True)
        ]
