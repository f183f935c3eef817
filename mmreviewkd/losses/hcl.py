"""Hierarchical context loss."""

from collections.abc import Sequence

import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor

from .levelwise import LevelwiseLoss
from .mean_square import mean_square


@MODELS.register_module()
class HCLLoss(LevelwiseLoss):
    """Hierarchical context loss (HCL) between two pyramids of feature maps.

    A level's loss is the mean squared error of the full maps, plus that of the
    maps average-pooled to ever coarser grids, each weighted half as much as
    the one before; divided by the sum of the weights. A grid that is not
    smaller than the map's height is left out. See "Distilling Knowledge via
    Knowledge Review", section 3.3 and figure 3(b)
    (https://arxiv.org/abs/2104.09044).

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
        difference = pred - target
        loss, weight, total = mean_square(difference), 1.0, 1.0
        pooled = None
        for size in self.pool_sizes:
            if size >= pred.shape[2]:
                continue
            nested = pooled is not None and _nested(pred, pooled, size)
            pooled = F.adaptive_avg_pool2d(pooled if nested else difference, size)
            weight /= 2
            total += weight
            loss = loss + weight * mean_square(pooled)
        return loss / total


def _nested(feat: Tensor, pooled: Tensor, size: int) -> bool:
    """Say whether pooling to ``size`` may start from what is pooled already."""
    last = pooled.shape[-1]
    return last % size == 0 and all(side % last == 0 for side in feat.shape[2:])
