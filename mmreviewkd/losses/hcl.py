"""Hierarchical context loss."""

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor

from .levelwise import LevelwiseLoss
from .weighted_mse import weighted_mse


class HCLLoss(LevelwiseLoss):
    """Hierarchical context loss (HCL) between two pyramids of feature maps.

    A level's loss is the mean squared error of the full maps, plus that of the
    maps average-pooled to ever coarser grids, each weighted half as much as
    the one before; divided by the sum of the weights. A grid that is not
    smaller than the map's height is left out. See "Distilling Knowledge via
    Knowledge Review", CVPR 2021 (https://arxiv.org/abs/2104.09044).

    Args:
        pool_sizes (Sequence[int]): Sides of the pooled grids, largest first.
            Defaults to (4, 2, 1).
        level_weights (Sequence[float], optional): One weight for each level,
            finest first. Defaults to None: 1 for all.
    """

    def __init__(
        self,
        pool_sizes: Sequence[int] = (4, 2, 1),
        level_weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__(level_weights)
        self.pool_sizes = tuple(pool_sizes)

    def level_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The loss of one level, maps (N, C, H, W), without any weight."""
        return self._over_grids(F.mse_loss, pred, target)

    def weighted_level_loss(
        self, pred: Tensor, target: Tensor, weight: Tensor
    ) -> Tensor:
        """The like, where positions, and the grids' cells, count by ``weight``.

        A cell counts as much as its positions do on average.
        """
        return self._over_grids(weighted_mse, pred, target, weight)

    def _over_grids(self, distance: Callable[..., Tensor], *maps: Tensor) -> Tensor:
        loss, weight, total = distance(*maps), 1.0, 1.0
        for size in self.pool_sizes:
            if size >= maps[0].shape[2]:
                continue
            weight /= 2
            total += weight
            pooled = (F.adaptive_avg_pool2d(one, size) for one in maps)
            loss = loss + weight * distance(*pooled)
        return loss / total
