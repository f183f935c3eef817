"""The student's maps as they are, but for their channels."""

from collections.abc import Sequence

from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import ModuleList
from torch import Tensor, nn

from .connector import Connector


@MODELS.register_module()
class AlignConnector(Connector):
    """1x1 convolution of those levels whose channels are not the teacher's.

    The other levels stay as they are, as PKD, CWD, MGD and FGD have it.

    Args:
        in_channels (Sequence[int]): See :class:`Connector`.
        out_channels (Sequence[int]): See :class:`Connector`.
        init_cfg (dict, optional): Initialisation. Defaults to None.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        init_cfg: ConfigType | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, init_cfg)
        self.align = ModuleList(
            nn.Identity() if in_ == out else nn.Conv2d(in_, out, 1)
            for in_, out in zip(in_channels, out_channels, strict=True)
        )

    def forward(self, feats: Sequence[Tensor]) -> list[Tensor]:
        """Align the channels; see :class:`Connector`."""
        self.check(feats)
        return [align(feat) for align, feat in zip(self.align, feats, strict=True)]
