"""Pearson correlation of feature maps."""

import torch.nn.functional as F
from torch import Tensor

from .levelwise import LevelwiseLoss
from .standardize import standardize


class PKDLoss(LevelwiseLoss):
    """1 minus the Pearson correlation of each channel, averaged over the channels.

    "PKD: General Distillation Framework for Object Detectors via Pearson Correlation
    Coefficient" (NeurIPS 2022, https://arxiv.org/abs/2207.02039): half the mean squared
    error of maps that are both standardised, channel by channel, over the batch and all
    positions. Made for maps of a neck.

    Args:
        level_weights (Sequence[float], optional): One weight for each level,
            finest first. Defaults to None: 1 for all.
    """

    def level_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The loss of one level, maps (N, C, H, W), without any weight."""
        return F.mse_loss(standardize(pred), standardize(target)) / 2
