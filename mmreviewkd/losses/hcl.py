"""Hierarchical context loss."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class HCLLoss(nn.Module):
    """Hierarchical context loss (HCL) between two pyramids of feature maps.

    A level's loss is the mean squared error of the full maps, plus that of the
    maps average-pooled to ever coarser grids, each weighted half as much as
    the one before; divided by the sum of the weights. A grid that is not
    smaller than the map's height is left out. See "Distilling Knowledge via
    Knowledge Review", section 3.3 and figure 3(b)
    (https://arxiv.org/abs/2104.09044).

    Computed in float32 at least, also under mixed precision.

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
        super().__init__()
        self.pool_sizes = tuple(pool_sizes)
        self.level_weights = level_weights

    def forward(self, preds: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
        """Sum the loss over the levels.

        Args:
            preds (Sequence[Tensor]): The connector's maps, (N, C_i, H_i, W_i)
                each, finest level first.
            targets (Sequence[Tensor]): The teacher's maps, of the same shapes.

        Returns:
            Tensor: The loss, a scalar.

        Raises:
            ValueError: If the numbers of levels or the shapes of a level
                differ.
        """
        weights = self.level_weights or [1.0] * len(preds)
        if not len(preds) == len(targets) == len(weights):
            raise ValueError(
                f'got {len(preds)} student levels, {len(targets)} teacher levels and '
                f'{len(weights)} level weights; they must be as many'
            )
        for level, (pred, target) in enumerate(zip(preds, targets, strict=True)):
            if pred.shape != target.shape:
                raise ValueError(
                    f'level {level}: the student (after the connector) has a map of '
                    f'shape {tuple(pred.shape)}, the teacher {tuple(target.shape)}'
                )
        with torch.autocast(preds[0].device.type, enabled=False):
            return sum(
                weight * self.level_loss(as_float(pred), as_float(target))
                for weight, pred, target in zip(weights, preds, targets, strict=True)
            )

    def level_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The loss of one level, maps (N, C, H, W), without any weight."""
        loss, weight, total = F.mse_loss(pred, target), 1.0, 1.0
        pooled = None
        for size in self.pool_sizes:
            if size >= pred.shape[2]:
                continue
            if pooled is not None and _nested(pred, pooled, size):
                pooled = F.adaptive_avg_pool2d(pooled, size)
            else:
                pooled = F.adaptive_avg_pool2d(pred, size) - F.adaptive_avg_pool2d(
                    target, size
                )
            weight /= 2
            total += weight
            loss = loss + weight * pooled.square().mean()
        return loss / total


def _nested(feat: Tensor, pooled: Tensor, size: int) -> bool:
    """Say whether pooling to ``size`` may start from what is pooled already."""
    last = pooled.shape[-1]
    return last % size == 0 and all(side % last == 0 for side in feat.shape[2:])


def as_float(x: Tensor) -> Tensor:
    """Give half precision more, and leave the rest."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
