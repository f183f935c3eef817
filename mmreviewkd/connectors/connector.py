"""What connectors have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

Size = Sequence[int]
"""Height and width of a map."""


class Connector(nn.Module, ABC):
    """Turns the student's maps into maps to compare with the teacher's.

    Args:
        in_channels (Sequence[int]): Channels of each student level, finest
            first.
        out_channels (Sequence[int]): Channels of each teacher level, finest
            first; as many levels as ``in_channels``.

    Attributes:
        target_levels (Sequence[int]): For each map that it returns, the teacher's
            level to compare it with, counted from 0, the finest. One to one unless a
            connector sets others.
        needs_targets (bool): Whether it looks at the teacher's maps, which ``connect``
            then gets as a third argument. False unless a connector sets it.

    Raises:
        ValueError: If the numbers of levels differ.
    """

    needs_targets = False

    def __init__(self, in_channels: Sequence[int], out_channels: Sequence[int]) -> None:
        super().__init__()
        if len(in_channels) != len(out_channels) or not in_channels:
            raise ValueError(
                'connector.in_channels and connector.out_channels need one entry '
                f'for each level, got {list(in_channels)} and {list(out_channels)}'
            )
        self.in_channels = list(in_channels)
        self.out_channels = list(out_channels)
        self.target_levels: Sequence[int] = range(len(out_channels))

    def forward(
        self,
        feats: Sequence[Tensor],
        sizes: Sequence[Size] | None = None,
        targets: Sequence[Tensor] | None = None,
    ) -> list[Tensor]:
        """Turn the student's maps into maps of the teacher's sizes and channels.

        Args:
            feats (Sequence[Tensor]): Student maps (N, C_i, H_i, W_i), finest
                level first.
            sizes (Sequence[tuple[int, int]], optional): Height and width of each of
                the teacher's maps, finest level first; by nearest pixels the maps get
                these sizes. Defaults to None: those of the student's maps.
            targets (Sequence[Tensor], optional): The teacher's maps, for a connector
                that needs them. Defaults to None.

        Returns:
            list[Tensor]: Maps to compare with the teacher's ``target_levels``.

        Raises:
            ValueError: If the number of levels or a level's channels are not
                those of ``in_channels``, or the teacher's maps are needed and missing.
        """
        self.check(feats)
        if sizes is None:
            sizes = [feat.shape[-2:] for feat in feats]
        if len(sizes) != len(feats):
            raise ValueError(
                f"connector needs one size (height, width) for each of the teacher's "
                f'levels, but got {len(sizes)} for {len(feats)}'
            )
        if self.needs_targets and targets is None:
            raise ValueError(
                f"{type(self).__name__} looks at the teacher's maps; call it as "
                'connector(feats, sizes, targets)'
            )
        extra = (targets,) if self.needs_targets else ()
        outs = self.connect(feats, sizes, *extra)
        return [
            resize(out, sizes[level])
            for out, level in zip(outs, self.target_levels, strict=True)
        ]

    @abstractmethod
    def connect(self, feats: Sequence[Tensor], sizes: Sequence[Size]) -> list[Tensor]:
        """Make the maps; :meth:`forward` gives them their sizes where this does not.

        Args:
            feats (Sequence[Tensor]): Student maps (N, C_i, H_i, W_i), finest
                level first.
            sizes (Sequence[tuple[int, int]]): Height and width of each of the
                teacher's maps.

        Returns:
            list[Tensor]: A map for each of ``target_levels``.
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
                    "channels of the student's maps"
                )


def resize(feat: Tensor, size: Size) -> Tensor:
    """Give a map (N, C, H, W) another height and width, by its nearest pixels."""
    height, width = size
    if feat.shape[-2:] == (height, width):
        return feat
    return F.interpolate(feat, size=(height, width), mode='nearest')
