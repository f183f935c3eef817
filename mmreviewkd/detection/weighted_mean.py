"""Weighted means over what all processes of a training compare."""

import torch
from mmdet.utils import reduce_mean
from torch import Tensor


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Average values over all processes, by their weights.

    The sum of this process is divided by the processes' mean sum of weights, as the
    heads of MMDetection divide by the mean number of objects. So each value counts as
    much as any other with its weight, whichever process it is in: averaged over the
    processes, the gradients are those of one process with all images.

    Args:
        values (Tensor): Values (..., K).
        weights (Tensor): Their weights (K,), without a gradient.

    Returns:
        Tensor: The means, (...); 0 where all weights are 0.
    """
    total = reduce_mean(weights.sum()).clamp(min=torch.finfo(weights.dtype).tiny)
    return (values * weights).sum(-1) / total
