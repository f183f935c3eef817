"""Maps without their channels' offsets and scales."""

import torch
from torch import Tensor

from .levelwise import as_float


def standardize(feat: Tensor, eps: float = 1e-5) -> Tensor:
    """Give each channel of a map mean 0 and variance 1.

    Over the batch and all positions, in float32 at least.

    Args:
        feat (Tensor): The map, (N, C, H, W).
        eps (float): Is added to the variance, so that a channel that never varies
            becomes 0. Defaults to 1e-5.

    Returns:
        Tensor: The standardised map, (N, C, H, W).
    """
    feat = as_float(feat)
    var, mean = torch.var_mean(feat, dim=(0, 2, 3), keepdim=True, correction=0)
    return (feat - mean) * (var + eps).rsqrt()
