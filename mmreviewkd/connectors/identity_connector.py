"""The student's maps as they are."""

from collections.abc import Sequence

from torch import Tensor

from .connector import Connector, Size


class IdentityConnector(Connector):
    """For losses that compare maps whatever their channels, such as by attention."""

    def connect(self, feats: Sequence[Tensor], sizes: Sequence[Size]) -> list[Tensor]:
        """Hand on the maps; see :class:`Connector`."""
        return list(feats)
