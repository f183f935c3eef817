"""Losses of the package torchdistill."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from .levelwise import LevelwiseLoss


class TorchdistillLoss(LevelwiseLoss):
    """A loss of torchdistill, computed level by level.

    torchdistill (https://github.com/yoshitomo-matsubara/torchdistill) keeps many
    published losses; ``torchdistill.losses.mid_level`` lists them. They find what they
    compare by the path of a module and by ``'input'`` or ``'output'``: a level's map
    has the path ``'level'``, and is an ``'output'``.

    Args:
        loss (dict): The loss: its name as ``type``, and its arguments.
        level_weights (Sequence[float], optional): One weight for each level,
            finest first. Defaults to None: 1 for all.

    Raises:
        ImportError: If torchdistill is not installed.
        ValueError: If it has no such loss.
    """

    same_channels = False

    def __init__(
        self, loss: Mapping[str, Any], level_weights: Sequence[float] | None = None
    ) -> None:
        super().__init__(level_weights)
        kwargs = dict(loss)
        name = kwargs.pop('type')
        try:
            from torchdistill.losses import mid_level
        except ImportError as error:
            raise ImportError(
                f'the loss {name} needs torchdistill, which is not installed; run '
                'pip install torchdistill (its newest release needs torch 2.12)'
            ) from error
        if not hasattr(mid_level, name):
            raise ValueError(f'torchdistill.losses.mid_level has no loss {name}')
        self.loss = getattr(mid_level, name)(**kwargs)

    def level_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The loss of one level, maps (N, C, H, W), without any weight."""
        student, teacher = (dict(level=dict(output=feat)) for feat in (pred, target))
        return self.loss(student, teacher)
