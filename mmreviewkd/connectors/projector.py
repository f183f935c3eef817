"""Two 1x1 convolutions for each level."""

from collections.abc import Sequence

from torch import Tensor, nn

from .connector import Connector, Size


class ProjectorConnector(Connector):
    """1x1 convolution, ReLU, 1x1 convolution of each level.

    Args:
        in_channels (Sequence[int]): See :class:`Connector`.
        out_channels (Sequence[int]): See :class:`Connector`.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: Sequence[int]) -> None:
        super().__init__(in_channels, out_channels)
        self.projections = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(ours, theirs, 1),
                nn.ReLU(inplace=True),
                nn.Conv2d(theirs, theirs, 1),
            )
            for ours, theirs in zip(in_channels, out_channels, strict=True)
        )

    def connect(self, feats: Sequence[Tensor], sizes: Sequence[Size]) -> list[Tensor]:
        """Project the maps; see :class:`Connector`."""
        return [
            project(feat) for project, feat in zip(self.projections, feats, strict=True)
        ]
