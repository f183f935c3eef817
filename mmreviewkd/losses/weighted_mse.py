"""Squared differences where positions do not count alike."""

import torch
from torch import Tensor


def weighted_mse(pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Average squared differences, weighted by position.

    Args:
        pred (Tensor): The student's map (N, C, H, W).
        target (Tensor): The teacher's, of the same shape.
        weight (Tensor): How much each position counts (N, 1, H, W), not negative.

    Returns:
        Tensor: The sum over positions x and channels of weight(x) (pred - target)^2,
        over C times the sum of the weights; 0 where all weights are 0.
    """
    total = (weight * (pred - target).square()).sum()
    floor = torch.finfo(weight.dtype).tiny
    return total / (pred.shape[1] * weight.sum()).clamp(min=floor)
