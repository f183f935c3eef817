"""Batch normalisation folded into convolutions: the same numbers but for rounding."""

import copy
import logging

import torch
from mmcv.cnn import fuse_conv_bn
from mmengine.logging import print_log
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmreviewkd.features.feature import tensors_in
from mmreviewkd.features.measure import image_channels, run_trunk


@torch.no_grad()
def fold(model: nn.Module) -> nn.Module:
    """Fold a frozen model's batch normalisation into its convolutions.

    Args:
        model (nn.Module): A model with a backbone, in evaluation mode.

    Returns:
        nn.Module: The model to use in its place. Where the two do not give the same
        maps it is the very model, and the log says so.
    """
    if not any(isinstance(module, _BatchNorm) for module in model.modules()):
        return model
    # Which convolution comes before a norm layer is read from the order of the
    # attributes, which need not be that of the data: so the maps are compared.
    channels = image_channels(model)
    image = torch.linspace(-99, 99, channels * 128 * 128).sin()
    image = image.view(1, channels, 128, 128)
    try:
        folded, maps = fuse_conv_bn(copy.deepcopy(model)), run_trunk(model, image)
        if not all(x.isfinite().all() for x in tensors_in(maps)):
            return model  # Whoever trains with it is told where that comes from.
        same = _agree(maps, run_trunk(folded, image))
    except Exception:  # what does not take this image can raise any
        same = False
    if not same:
        print_log(
            "the teacher's batch normalisation does not follow its convolutions, and "
            'is left as it is: slower, but correct',
            logger='current',
            level=logging.WARNING,
        )
        return model
    return folded


def _agree(maps: object, others: object) -> bool:
    return all(
        torch.linalg.vector_norm(a - b) <= 1e-3 * torch.linalg.vector_norm(a)
        for a, b in zip(tensors_in(maps), tensors_in(others), strict=True)
    )
