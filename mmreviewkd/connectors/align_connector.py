"""The student's maps as they are, but for their channels."""

from collections.abc import Sequence

from torch import Tensor, nn

from .connector import Connector, Size


class AlignConnector(Connector):
    """1x1 convolution of those levels whose channels are not the teacher's.

    The other levels stay as they are, as PKD, CWD, MGD and FGD have it.

    Args:
        in_channels (Sequence[int]): See :class:`Connector`.
        out_channels (Sequence[int]): See :class:`Connector`.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: Sequence[int]) -> None:
        super().__init__(in_channels, out_channels)
        self.align = nn.ModuleList(
            nn.Identity() if in_ == out else nn.Conv2d(in_, out, 1)
            for in_, out in zip(in_channels, out_channels, strict=True)
        )

    def connect(self, feats: Sequence[Tensor], sizes: Sequence[Size]) -> list[Tensor]:
        """Align the channels; see :class:`Connector`."""
        return [align(feat) for align, feat in zip(self.align, feats, strict=True)]
