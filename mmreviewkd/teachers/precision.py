"""The precision that a teacher runs in."""

import logging
from collections.abc import Callable, Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmreviewkd.precision import autocast

BOUND = 0.02
"""Largest relative error of a map in half precision that is put up with."""

Maps = Sequence[Tensor]


def native_half(device: torch.device) -> torch.dtype | None:
    """Name the half precision that a device multiplies faster than float32.

    Returns:
        torch.dtype | None: bfloat16 on GPUs from Ampere on and on CPUs with AMX or
        AVX512-BF16; elsewhere it is emulated, slower than float32, and this is None.
    """
    if device.type == 'cuda':
        native = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        native = device.type == 'cpu' and (
            torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
        )
    return torch.bfloat16 if native else None


def choose_dtype(
    run: Callable[[], Maps], device: torch.device, wanted: torch.dtype | None
) -> torch.dtype:
    """Choose between float32 and a half precision, by the error of a first batch.

    Args:
        run (Callable): Computes the teacher's maps of the batch.
        device (torch.device): Where it does so.
        wanted (torch.dtype, optional): The half precision; None for float32.

    Returns:
        torch.dtype: ``wanted`` if each of the maps is within :data:`BOUND` of that in
        float32, by the norm of the difference; else float32, which the log tells.
    """
    if wanted in (None, torch.float32):
        return torch.float32
    with autocast(device, torch.float32):
        exact = run()
    try:
        with autocast(device, wanted):
            maps = run()
    except RuntimeError as error:
        reason = f'fails there: {str(error).splitlines()[0]}'
    else:
        worst = max(
            float(
                torch.dist(a.float(), b) / torch.linalg.vector_norm(b).clamp(min=1e-12)
            )
            for a, b in zip(maps, exact, strict=True)
        )
        if worst <= BOUND:
            return wanted
        reason = f'has maps that are off by {worst:.1%} there, beyond {BOUND:.0%}'
    print_log(
        f'teacher: stays in float32, not {str(wanted).removeprefix("torch.")}: it '
        f'{reason}. Set model.teacher_dtype to choose by hand.',
        logger='current',
        level=logging.WARNING,
    )
    return torch.float32
