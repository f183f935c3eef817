"""Precisions by name, and computing in one of them."""

from contextlib import AbstractContextManager, nullcontext

import torch

DTYPES = ('float32', 'float16', 'bfloat16')


def dtype_of(name: str | None, field: str) -> torch.dtype | None:
    """Find a precision by its name.

    Args:
        name (str, optional): One of :data:`DTYPES`, or None.
        field (str): The config field that names it, for errors.

    Raises:
        ValueError: If there is no such precision.
    """
    if name is not None and name not in DTYPES:
        raise ValueError(
            f'{field} is {name!r}, but has to be one of {", ".join(DTYPES)}, or None'
        )
    return getattr(torch, name) if name else None


def is_mixed(device: torch.device) -> bool:
    """Say whether mixed precision is on."""
    known = torch.amp.is_autocast_available(device.type)
    return known and torch.is_autocast_enabled(device.type)


def autocast(device: torch.device, dtype: torch.dtype | None) -> AbstractContextManager:
    """Compute in ``dtype``, whatever the surroundings do; None leaves it to them."""
    if dtype is None or not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    if dtype == torch.float32:
        return torch.autocast(device.type, enabled=False)
    return torch.autocast(device.type, dtype)
