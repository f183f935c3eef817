"""High frequencies of feature maps."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .levelwise import LevelwiseLoss


class FreeKDLoss(LevelwiseLoss):
    """Absolute difference of the maps' high-frequency bands.

    "FreeKD: Knowledge Distillation via Semantic Frequency Prompt" (CVPR 2024,
    https://arxiv.org/abs/2311.12079): the discrete wavelet transform, Haar's, splits a
    map into a low band and three high ones (LH, HL, HH), and the low band again, three
    times over; the loss is the L1 distance of the high bands, averaged over the three
    of a scale and summed over the scales, as in the authors' code.

    Left out are the paper's prompts, which mask the bands and are trained on the
    teacher beforehand; and what the authors' code adds, for RetinaNet: the mean squared
    error of the maps, with five times the weight, and the smooth L1 distance of the
    boxes' predictions. There a 1x1 convolution comes before it, also where channels are
    as many. An odd side is extended by its border; there it is filled with zeros.

    Args:
        scales (int): How often the low band is split. A map of one position is not
            split any more. Defaults to 3.
        level_weights (Sequence[float], optional): One weight for each level,
            finest first. Defaults to None: 1 for all.
    """

    def __init__(
        self, scales: int = 3, level_weights: Sequence[float] | None = None
    ) -> None:
        super().__init__(level_weights)
        self.scales = scales

    def level_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The loss of one level, maps (N, C, H, W), without any weight."""
        # The transform is linear: the bands' difference is that of the maps.
        low = pred - target
        loss = 0 * low.sum()
        for _ in range(self.scales):
            if low.shape[2:].numel() == 1:
                break
            low, high = haar(low)
            loss = loss + high.abs().mean()
        return loss


def haar(feat: Tensor) -> tuple[Tensor, Tensor]:
    """Split a map by Haar's wavelet, once.

    Args:
        feat (Tensor): The map (N, C, H, W).

    Returns:
        tuple[Tensor, Tensor]: The low band (N, C, h, w), h and w half of H and W
        rounded up, and the three high ones (3, N, C, h, w): differences along the
        columns, along the rows, and along both.
    """
    height, width = feat.shape[2:]
    feat = F.pad(feat, (0, width % 2, 0, height % 2), mode='replicate')
    a, b = feat[..., ::2, ::2], feat[..., ::2, 1::2]
    c, d = feat[..., 1::2, ::2], feat[..., 1::2, 1::2]
    high = torch.stack([a - b + c - d, a + b - c - d, a - b - c + d])
    return (a + b + c + d) / 2, high / 2
