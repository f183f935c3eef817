"""What the losses that compare maps level by level have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class LevelwiseLoss(nn.Module, ABC):
    """A loss of each level, summed.

    Computed in float32 at least, also under mixed precision.

    Args:
        level_weights (Sequence[float], optional): One weight for each level,
            finest first. Defaults to None: 1 for all.

    Attributes:
        same_channels (bool): Whether it compares channel by channel, so that student
            and teacher have to have as many.
    """

    same_channels = True

    def __init__(self, level_weights: Sequence[float] | None = None) -> None:
        super().__init__()
        self.level_weights = level_weights

    def forward(
        self,
        preds: Sequence[Tensor],
        targets: Sequence[Tensor],
        position_weights: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """Sum the loss over the levels; see :meth:`by_level`.

        Returns:
            Tensor: The loss, a scalar.
        """
        return torch.stack(self.by_level(preds, targets, position_weights)).sum()

    def by_level(
        self,
        preds: Sequence[Tensor],
        targets: Sequence[Tensor],
        position_weights: Sequence[Tensor] | None = None,
    ) -> list[Tensor]:
        """Compute the loss of each level, with its weight.

        Args:
            preds (Sequence[Tensor]): The connector's maps, (N, C_i, H_i, W_i)
                each, finest level first.
            targets (Sequence[Tensor]): The teacher's maps, of the same shapes, but for
                the channels where ``same_channels`` is False.
            position_weights (Sequence[Tensor], optional): How much each position of
                each level counts, (N, 1, H_i, W_i). Defaults to None: all the same.

        Returns:
            list[Tensor]: A scalar for each level.

        Raises:
            ValueError: If there is no level, or the numbers of levels or the shapes
                of a level differ, or the loss cannot weigh positions.
        """
        weights = self.level_weights or [1.0] * len(preds)
        if not len(preds) == len(targets) == len(weights):
            raise ValueError(
                f'got {len(preds)} student levels, {len(targets)} teacher levels and '
                f'{len(weights)} level weights; they must be as many'
            )
        for level, (pred, target) in enumerate(zip(preds, targets, strict=True)):
            comparable = [
                shape if self.same_channels else shape[:1] + shape[2:]
                for shape in (pred.shape, target.shape)
            ]
            if comparable[0] != comparable[1]:
                raise ValueError(
                    f'level {level}: the student (after the connector) has a map of '
                    f'shape {tuple(pred.shape)}, the teacher {tuple(target.shape)}'
                )
        if not preds:
            raise ValueError(f'{type(self).__name__} got no levels to compare')
        with torch.autocast(preds[0].device.type, enabled=False):
            levels = [
                (as_float(pred), as_float(target))
                for pred, target in zip(preds, targets, strict=True)
            ]
            if position_weights is None:
                losses = [self.level_loss(*level) for level in levels]
            else:
                losses = [
                    self.weighted_level_loss(*level, as_float(counts))
                    for level, counts in zip(levels, position_weights, strict=True)
                ]
            return [w * loss for w, loss in zip(weights, losses, strict=True)]

    @abstractmethod
    def level_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The loss of one level, maps (N, C, H, W), without any weight."""

    def weighted_level_loss(
        self, pred: Tensor, target: Tensor, weight: Tensor
    ) -> Tensor:
        """The like, where positions count as ``weight`` (N, 1, H, W) says."""
        raise ValueError(
            f'{type(self).__name__} cannot weigh positions; take L2DistillLoss or '
            'HCLLoss'
        )


def loss_by_level(
    loss: nn.Module, preds: Sequence[Tensor], targets: Sequence[Tensor]
) -> list[Tensor]:
    """Compute a loss level by level, or in one where it does not know of levels.

    Args:
        loss (nn.Module): The loss.
        preds (Sequence[Tensor]): The student's maps (N, C, H, W), by level.
        targets (Sequence[Tensor]): The teacher's maps, of the same shapes.
    """
    by_level = getattr(loss, 'by_level', None)
    return [loss(preds, targets)] if by_level is None else by_level(preds, targets)


def as_float(x: Tensor) -> Tensor:
    """Give half precision more, and leave the rest."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
