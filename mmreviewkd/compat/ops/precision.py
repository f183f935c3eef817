"""The precision that stand-ins compute in."""

import torch


def compute_dtype(dtype: torch.dtype) -> torch.dtype:
    """float64 stays, all else is computed in float32.

    torchvision has no bfloat16 kernels, and on CPU no half ones.
    """
    return dtype if dtype in (torch.float32, torch.float64) else torch.float32
