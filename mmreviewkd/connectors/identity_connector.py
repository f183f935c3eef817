"""The student's maps as they are."""

from collections.abc import Sequence

from torch import Tensor

from .connector import Connector, Size


class IdentityConnector(Connector):
    """For losses that compare maps whatever their channels, such as by attention.

    Args:
        in_channels (Sequence[int]): See :class:`Connector`.
        out_channels (Sequence[int]): See :class:`Connector`.
    """

    def connect(self, feats: Sequence[Tensor], sizes: Sequence[Size]) -> list[Tensor]:
        """Hand on the maps; see :class:`Connector`."""
        return list(feats)
