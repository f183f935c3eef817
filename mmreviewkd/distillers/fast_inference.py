"""Making a frozen network fast, at the same numbers but for rounding."""

import copy
import logging

import torch
from mmcv.cnn import fuse_conv_bn
from mmengine.logging import print_log
from torch import Tensor, nn


@torch.no_grad()
def fast_inference(backbone: nn.Module, neck: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Rewrite a frozen backbone and neck for inference.

    Batch normalisation is folded into the convolution before it, and weights have the
    channels last.

    Args:
        backbone (nn.Module): Backbone in evaluation mode.
        neck (nn.Module): Neck in evaluation mode.

    Returns:
        tuple[nn.Module, nn.Module]: The two to use in their place.
    """
    slow = nn.Sequential(backbone, neck)
    # Which convolution comes before a norm layer is read from the order of the
    # attributes, which need not be that of the data.
    image = torch.linspace(-99, 99, 3 * 128 * 128).sin().view(1, 3, 128, 128)
    try:
        fast = fuse_conv_bn(copy.deepcopy(slow))
        folded = _agree(slow(image), fast(image))
    except RuntimeError:  # The two have other numbers of channels.
        folded = False
    if not folded:
        print_log(
            "the teacher's batch normalisation does not follow its convolutions, and "
            'is left as it is: slower, but correct',
            logger='current',
            level=logging.WARNING,
        )
        fast = slow
    backbone, neck = fast.to(memory_format=torch.channels_last)
    return backbone, neck


def _agree(maps: tuple[Tensor, ...], others: tuple[Tensor, ...]) -> bool:
    return all(
        torch.linalg.vector_norm(a - b) <= 1e-3 * torch.linalg.vector_norm(a)
        for a, b in zip(maps, others, strict=True)
    )


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
