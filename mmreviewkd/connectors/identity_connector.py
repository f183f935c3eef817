"""The student's maps as they are."""

from collections.abc import Sequence

from mmdet.registry import MODELS
from torch import Tensor

from .connector import Connector


@MODELS.register_module()
class IdentityConnector(Connector):
    """For losses that compare maps whatever their channels, such as by attention."""

    def forward(self, feats: Sequence[Tensor]) -> list[Tensor]:
        """Hand on the maps; see :class:`Connector`."""
        self.check(feats)
        return list(feats)
