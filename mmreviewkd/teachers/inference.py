"""A frozen model made faster, at the same numbers but for rounding."""

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
def for_inference(model: nn.Module) -> nn.Module:
    """Fold a frozen model's batch normalisation, and lay its channels out last.

    On a CPU that takes a third of the teacher's time, see docs/cost.md.

    Args:
        model (nn.Module): A model with a backbone, in evaluation mode.

    Returns:
        nn.Module: The model to use in its place. What does not give the same maps is
        left out, and the log says so.
    """
    changes = {'the channels last': _channels_last}
    if any(isinstance(module, _BatchNorm) for module in model.modules()):
        # Which convolution comes before a norm layer is read from the order of the
        # attributes, which need not be that of the data: so the maps are compared.
        changes = {'batch normalisation folded': fuse_conv_bn} | changes
    channels = image_channels(model)
    image = torch.linspace(-99, 99, channels * 128 * 128).sin()
    image = image.view(1, channels, 128, 128)
    for name, change in changes.items():
        try:
            maps = list(tensors_in(run_trunk(model, image)))
            if not all(x.isfinite().all() for x in maps):
                return model  # Whoever trains with it is told where that comes from.
            changed = change(copy.deepcopy(model))
            same = _agree(maps, list(tensors_in(run_trunk(changed, image))))
        except Exception:  # what does not take this image can raise any
            same = False
        if same:
            model = changed
        else:
            print_log(
                f'teacher: {name} does not suit it: slower, but correct',
                logger='current',
                level=logging.WARNING,
            )
    return model


def _channels_last(model: nn.Module) -> nn.Module:
    for module in model.modules():
        # Others than plain convolutions may look at their weights as rows.
        if type(module) is nn.Conv2d:
            module.to(memory_format=torch.channels_last)
    return model


def _agree(maps: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    return all(
        torch.linalg.vector_norm(a - b) <= 1e-3 * torch.linalg.vector_norm(a)
        for a, b in zip(maps, others, strict=True)
    )
