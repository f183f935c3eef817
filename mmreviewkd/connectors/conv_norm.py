"""A convolution and its norm layer."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from torch import nn

from .norm import build_norm


class ConvNorm(nn.Sequential):
    """Convolution that keeps the size of a map, then a norm layer.

    Its parts are named ``conv`` and, after the kind of norm, ``bn``, ``gn`` or ``in``.

    Args:
        in_channels (int): Channels of the input.
        out_channels (int): Channels of the output.
        kernel_size (int): Side of the kernel, odd.
        norm_cfg (dict, optional): See :func:`build_norm`; None for no norm layer.
        bias (bool): Whether the convolution has a bias. Defaults to False.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        norm_cfg: Mapping[str, Any] | None,
        bias: bool = False,
    ) -> None:
        conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=bias
        )
        init_conv(conv)
        layers: OrderedDict[str, nn.Module] = OrderedDict(conv=conv)
        if norm_cfg is not None:
            name, norm = build_norm(norm_cfg, out_channels)
            layers[name] = norm
        super().__init__(layers)


def init_conv(conv: nn.Conv2d) -> None:
    """Initialise a convolution as published: Kaiming uniform, ``a=1``; no bias."""
    nn.init.kaiming_uniform_(conv.weight, a=1)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
