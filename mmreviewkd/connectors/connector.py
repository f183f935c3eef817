"""What connectors have in common."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence

import torch.nn.functional as F
from mmdet.utils import ConfigType
from mmengine.model import BaseModule, kaiming_init
from torch import Tensor, nn


class Connector(BaseModule, metaclass=ABCMeta):
    """Turns the student's maps into maps to compare with the teacher's.

    Args:
        in_channels (Sequence[int]): Channels of each student level, finest
            first.
        out_channels (Sequence[int]): Channels of each teacher level, finest
            first; as many levels as ``in_channels``.
        init_cfg (dict, optional): Initialisation. Defaults to None.

    Attributes:
        target_levels (Sequence[int]): For each map that it returns, the teacher's
            level to compare it with, counted from 0, the finest. One to one unless a
            connector sets others.

    Raises:
        ValueError: If the numbers of levels differ.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        init_cfg: ConfigType | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if len(in_channels) != len(out_channels) or not in_channels:
            raise ValueError(
                'connector.in_channels and connector.out_channels need one entry '
                f'for each level, got {list(in_channels)} and {list(out_channels)}'
            )
        self.in_channels = list(in_channels)
        self.out_channels = list(out_channels)
        self.target_levels: Sequence[int] = range(len(out_channels))

    @abstractmethod
    def forward(self, feats: Sequence[Tensor]) -> list[Tensor]:
        """Turn the student's maps into maps of the teacher's sizes and channels.

        Args:
            feats (Sequence[Tensor]): Student maps (N, C_i, H_i, W_i), finest
                level first.

        Returns:
            list[Tensor]: Maps to compare with the teacher's ``target_levels``.

        Raises:
            ValueError: If the number of levels or a level's channels are not
                those of ``in_channels``.
        """

    def check(self, feats: Sequence[Tensor]) -> None:
        """Refuse maps that are not those of ``in_channels``."""
        shapes = [tuple(feat.shape) for feat in feats]
        if len(feats) != len(self.in_channels):
            raise ValueError(
                f'connector expects {len(self.in_channels)} student levels, got '
                f'{len(feats)} with shapes {shapes}; give connector.in_channels '
                'and connector.out_channels one entry for each level'
            )
        for level, (shape, channels) in enumerate(
            zip(shapes, self.in_channels, strict=True)
        ):
            if len(shape) != 4 or shape[1] != channels:
                raise ValueError(
                    f'connector expects a student map (N, {channels}, H, W) at level '
                    f'{level}, got {shape}; set connector.in_channels to the '
                    "channels of the student's neck"
                )


def init_convs(module: nn.Module) -> None:
    """Initialise the convolutions as ReviewKD does: Kaiming uniform, ``a=1``."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            kaiming_init(
                part,
                a=1,
                mode='fan_in',
                nonlinearity='leaky_relu',
                distribution='uniform',
            )


def resize(feat: Tensor, size: Sequence[int]) -> Tensor:
    """Give a map (N, C, H, W) another height and width, by its nearest pixels."""
    return F.interpolate(feat, size=size, mode='nearest')
