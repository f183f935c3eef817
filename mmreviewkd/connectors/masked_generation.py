"""The teacher's maps generated from parts of the student's."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .align_connector import AlignConnector
from .connector import Size


class MaskedGenerationConnector(AlignConnector):
    """Hides pixels of the student's maps and generates whole maps from the rest.

    "Masked Generative Distillation" (MGD, ECCV 2022, https://arxiv.org/abs/2205.01529):
    pixels are hidden at random, in all channels alike, and two
    3x3 convolutions with a ReLU between them make the map that is compared with the
    teacher's by mean squared error.

    Args:
        in_channels (Sequence[int]): See :class:`Connector`.
        out_channels (Sequence[int]): See :class:`Connector`.
        mask_ratio (float): Share of the pixels that are hidden: the paper's 0.65 for
            one-stage detectors, 0.45 for two-stage ones. Defaults to 0.45.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        mask_ratio: float = 0.45,
    ) -> None:
        super().__init__(in_channels, out_channels)
        self.mask_ratio = mask_ratio
        self.generation = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1),
                nn.ReLU(inplace=True),
                nn.Conv2d(channels, channels, 3, padding=1),
            )
            for channels in out_channels
        )

    def connect(self, feats: Sequence[Tensor], sizes: Sequence[Size]) -> list[Tensor]:
        """Mask and generate; see :class:`Connector`."""
        return [
            generate(feat * self._seen(feat))
            for generate, feat in zip(
                self.generation, super().connect(feats, sizes), strict=True
            )
        ]

    def _seen(self, feat: Tensor) -> Tensor:
        """Which pixels are not hidden, (N, 1, H, W)."""
        return torch.rand_like(feat[:, :1]) >= self.mask_ratio
