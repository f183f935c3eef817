"""The teacher's maps generated from parts of the student's."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .align_connector import AlignConnector
from .connector import Size, resize


class MaskedGenerationConnector(AlignConnector):
    """Hides pixels of the student's maps and generates whole maps from the rest.

    "Masked Generative Distillation" (MGD, ECCV 2022, https://arxiv.org/abs/2205.01529):
    pixels are hidden at random, in all channels alike, and two
    3x3 convolutions with a ReLU between them make the map that is compared with the
    teacher's by squared error: the sum over a map there, so that finer levels count
    more, the mean here. For classifiers the authors' code hides whole channels instead.

    With ``mask='attention'`` the teacher chooses: the positions that it attends to most
    are hidden, where the mean of the channels' absolute values is largest. See
    "AMD: Adaptive Masked Distillation for Object Detection" (2023,
    https://arxiv.org/abs/2301.13538), of which it is the masking alone: the paper's
    module that adapts the channels is left out, and the share of positions that is
    hidden is MGD's.

    Args:
        in_channels (Sequence[int]): See :class:`Connector`.
        out_channels (Sequence[int]): See :class:`Connector`.
        mask_ratio (float): Share of the pixels that are hidden. MGD's authors take
            0.65 for one-stage detectors, 0.45 for two-stage ones. Defaults to 0.45.
        mask (str): Which pixels are hidden: ``'random'``, or ``'attention'``.
            Defaults to ``'random'``.

    Raises:
        ValueError: If ``mask`` is neither.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        mask_ratio: float = 0.45,
        mask: str = 'random',
    ) -> None:
        super().__init__(in_channels, out_channels)
        if mask not in ('random', 'attention'):
            raise ValueError(
                f"connector.mask is {mask!r}, but has to be 'random' or 'attention'"
            )
        self.needs_targets = mask == 'attention'
        self.mask_ratio = mask_ratio
        self.generation = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1),
                nn.ReLU(inplace=True),
                nn.Conv2d(channels, channels, 3, padding=1),
            )
            for channels in out_channels
        )

    def connect(
        self,
        feats: Sequence[Tensor],
        sizes: Sequence[Size],
        targets: Sequence[Tensor] | None = None,
    ) -> list[Tensor]:
        """Mask and generate; see :class:`Connector`."""
        feats = super().connect(feats, sizes)
        if targets is None:
            scores = [torch.rand_like(feat[:, :1]) for feat in feats]
            seen = [score >= self.mask_ratio for score in scores]
        else:
            seen = [
                ~attended(target, feat.shape[-2:], self.mask_ratio)
                for feat, target in zip(feats, targets, strict=True)
            ]
        return [
            generate(feat * mask)
            for generate, feat, mask in zip(self.generation, feats, seen, strict=True)
        ]


def attended(target: Tensor, size: Size, share: float) -> Tensor:
    """Find the share of each image's positions that the teacher attends to most.

    Args:
        target (Tensor): The teacher's map (N, C, H_t, W_t).
        size (tuple[int, int]): Height and width (H, W) of the mask.
        share (float): Share of the positions.

    Returns:
        Tensor: A mask (N, 1, H, W).
    """
    strength = resize(target.abs().mean(1, keepdim=True), size).flatten(2)
    chosen = strength.topk(round(share * strength.shape[2]), dim=2).indices
    mask = torch.zeros_like(strength, dtype=torch.bool).scatter(2, chosen, True)
    return mask.unflatten(2, tuple(size))
