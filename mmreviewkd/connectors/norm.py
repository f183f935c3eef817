"""Norm layers by name."""

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation that also trains on a single value per channel."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise maps (N, C, H, W)."""
        single = input.shape[0] * input.shape[2] * input.shape[3] == 1
        if self.training and self.running_mean is not None and single:
            # One image and a 1x1 map: one value has no variance.
            return F.batch_norm(
                input,
                self.running_mean,
                self.running_var,
                self.weight,
                self.bias,
                eps=self.eps,
            )
        return super().forward(input)


NORMS: dict[str, type[nn.Module]] = {
    'BN': BatchNorm,
    'SyncBN': nn.SyncBatchNorm,
    'GN': nn.GroupNorm,
    'IN': nn.InstanceNorm2d,
}
"""Layers by the ``type`` of a config."""

NAMES = {
    'bn': (nn.BatchNorm2d, nn.SyncBatchNorm),
    'gn': (nn.GroupNorm,),
    'in': (nn.InstanceNorm2d,),
}
"""Names in a state dict, and the layers that have them; others are ``norm``."""


def build_norm(cfg: Mapping[str, Any], channels: int) -> tuple[str, nn.Module]:
    """Build a norm layer.

    Args:
        cfg (dict): ``type`` is a name of :data:`NORMS` or a class that takes the
            number of channels first; ``requires_grad=False`` freezes the parameters;
            all other keys are arguments of the layer, such as ``num_groups`` or
            ``eps``.
        channels (int): Channels of the maps to normalise.

    Returns:
        tuple[str, nn.Module]: The layer's name in a state dict, see :data:`NAMES`,
        and the layer.

    Raises:
        ValueError: If there is no such type.
    """
    kwargs = dict(cfg)
    kind = kwargs.pop('type', None)
    requires_grad = kwargs.pop('requires_grad', True)
    layer = NORMS[kind] if kind in NORMS else kind
    if not (isinstance(layer, type) and issubclass(layer, nn.Module)):
        raise ValueError(
            f'norm_cfg.type is {kind!r}, but has to be one of {", ".join(NORMS)}, or a '
            'class of torch.nn.Module'
        )
    if issubclass(layer, nn.GroupNorm):
        norm: nn.Module = layer(num_channels=channels, **kwargs)
    else:
        norm = layer(channels, **kwargs)
    name = next((n for n, layers in NAMES.items() if isinstance(norm, layers)), 'norm')
    return name, norm.requires_grad_(requires_grad)
