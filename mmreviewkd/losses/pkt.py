"""How alike the cells of a level are."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from .levelwise import LevelwiseLoss


class PKTLoss(LevelwiseLoss):
    """Divergence of the probabilities that one vector is near another.

    "Learning Deep Representations with Probabilistic Knowledge Transfer" (PKT,
    ECCV 2018, https://arxiv.org/abs/1803.10837), with the cosine as its kernel:
    (1 + cosine) / 2 of all vectors with each other, each row divided by its sum; the
    Kullback-Leibler divergence of the student's from the teacher's, averaged over all
    entries.

    Made for the feature vectors of a batch of images. A batch of detection has few
    images but many objects: here the vectors are a level's cells, after pooling each
    image's map to a grid.

    Args:
        grid (int): Cells along each side of the grid. Defaults to 4.
        level_weights (Sequence[float], optional): One weight for each level,
            finest first. Defaults to None: 1 for all.
    """

    same_channels = False

    def __init__(
        self, grid: int = 4, level_weights: Sequence[float] | None = None
    ) -> None:
        super().__init__(level_weights)
        self.grid = grid

    def level_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The loss of one level, maps (N, C, H, W), without any weight."""
        pred, target = self._probabilities(pred), self._probabilities(target)
        # Opposite vectors have the probability 0.
        return (target * ((target + 1e-7) / (pred + 1e-7)).log()).mean()

    def _probabilities(self, feat: Tensor) -> Tensor:
        cells = F.adaptive_avg_pool2d(feat, self.grid)
        # The floor keeps the gradient of an all-zero cell from growing out of bounds.
        rows = F.normalize(cells.movedim(1, -1).flatten(0, 2), eps=1e-6)
        near = (1 + rows @ rows.T) / 2
        return near / near.sum(1, keepdim=True)
