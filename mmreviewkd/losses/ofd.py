"""Partial distance to the teacher's maps after a margin ReLU."""

import torch
from torch import Tensor

from .levelwise import LevelwiseLoss


class OFDLoss(LevelwiseLoss):
    """Squared error where the teacher is positive or the student is too high.

    "A Comprehensive Overhaul of Feature Distillation" (OFD, ICCV 2019,
    https://arxiv.org/abs/1904.01866): the teacher's values, taken before an
    activation, are cut off below at a margin, the mean of the channel's negative
    values (margin ReLU); a student's value that is not above a negative one of the
    teacher's costs nothing (partial L2 distance).

    Made for classifiers, where batch norm's parameters tell the margin. The maps of a
    neck come before an activation too, but from a convolution: here the margin is
    that of the batch. The squared error is averaged over the values, and all levels
    count alike; the authors' code sums it, over 1000 times the batch, and halves the
    weight of a level against the next coarser one.

    Args:
        level_weights (Sequence[float], optional): One weight for each level,
            finest first. Defaults to None: 1 for all.
    """

    def level_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The loss of one level, maps (N, C, H, W), without any weight."""
        negative = target < 0
        count = negative.sum((0, 2, 3), keepdim=True).clamp(min=1)
        margin = (target * negative).sum((0, 2, 3), keepdim=True) / count
        target = torch.maximum(target, margin)
        counts = (target > 0) | (pred > target)
        return ((pred - target) * counts).square().mean()
