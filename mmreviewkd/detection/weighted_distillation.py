"""Learning from the teacher's maps, most where objects are."""

from collections.abc import Sequence
from typing import Any

from mmengine.registry import MODELS
from torch import Tensor

from mmreviewkd.losses import LevelwiseLoss
from mmreviewkd.methods import Batch, FeatureDistillation

from .position_weights import box_weights, score_weights


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

    With ``weights='boxes'`` positions within annotated boxes count. With HCL as the
    loss, the review looks at objects at each of its scales.

    Args:
        in_channels (Sequence[int]): See :class:`Distillation`.
        out_channels (Sequence[int]): See :class:`Distillation`.
        connector (dict): See :class:`FeatureDistillation`.
        loss (dict): Config of a loss that can weigh positions: ``L2DistillLoss`` or
            ``HCLLoss``.
        weights (str): ``'scores'`` or ``'boxes'``. Defaults to ``'scores'``.
        background (float): What is added to all weights, so that the rest counts too.
            Defaults to 0.0.
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
        if weights not in ('scores', 'boxes'):
            raise ValueError(
                f"distillation.weights is {weights!r}; it has to be 'scores' or 'boxes'"
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
        self.needs_heads = weights == 'scores'

    def by_level(
        self, batch: Batch, outs: Sequence[Tensor], targets: Sequence[Tensor]
    ) -> list[Tensor]:
        """Compute the weighted loss of each level."""
        if self.weights == 'scores':
            found = score_weights(batch, type(self).__name__)
        else:
            found = box_weights(batch.boxes, batch.targets, batch.images.shape[2:])
        numbers = self.connector.target_levels
        weights = [found[number] + self.background for number in numbers]
        loss: Any = self.loss
        return loss.by_level(outs, targets, weights)
