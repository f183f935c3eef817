"""Losses of the package torchdistill."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from torch import Tensor, nn

from .levelwise import as_float


@MODELS.register_module()
class TorchdistillLoss(nn.Module):
    """A loss of torchdistill, computed level by level and summed.

    torchdistill (https://github.com/yoshitomo-matsubara/torchdistill) keeps many
    published losses; ``torchdistill.losses.mid_level`` lists them. They find what they
    compare by the path of a module and by ``'input'`` or ``'output'``: a level's map
    has the path ``'level'``, and is an ``'output'``.

    Computed in float32 at least, also under mixed precision.

    Args:
        loss (dict): The loss: its name as ``type``, and its arguments.
        grid (int, optional): Pool each map to as many by as many cells, and hand the
            loss a row for each cell (N * grid * grid, C); for losses that compare
            vectors instead of maps. Defaults to None: maps (N, C, H, W).

    Raises:
        ImportError: If torchdistill is not installed.
        ValueError: If it has no such loss.
    """

    def __init__(self, loss: ConfigType, grid: int | None = None) -> None:
        super().__init__()
        try:
            from torchdistill.losses import mid_level
        except ImportError as error:
            raise ImportError(
                f'the loss {loss["type"]} needs torchdistill, which is not installed; '
                'run pip install torchdistill (it needs torch 2.12 or newer)'
            ) from error
        loss = dict(loss)
        name = loss.pop('type')
        if not hasattr(mid_level, name):
            raise ValueError(f'torchdistill.losses.mid_level has no loss {name}')
        self.loss = getattr(mid_level, name)(**loss)
        self.grid = grid

    def forward(self, preds: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
        """Sum the loss over the levels.

        Args:
            preds (Sequence[Tensor]): The connector's maps, (N, C_i, H_i, W_i)
                each, finest level first.
            targets (Sequence[Tensor]): The teacher's maps, of the same shapes, or of
                other channels where the loss allows it.

        Returns:
            Tensor: The loss, a scalar.
        """
        with torch.autocast(preds[0].device.type, enabled=False):
            return sum(
                self.loss(self._outputs(pred), self._outputs(target))
                for pred, target in zip(preds, targets, strict=True)
            )

    def _outputs(self, feat: Tensor) -> dict[str, dict[str, Tensor]]:
        feat = as_float(feat)
        if self.grid is not None:
            cells = F.adaptive_avg_pool2d(feat, self.grid)
            feat = cells.permute(0, 2, 3, 1).flatten(0, 2)
        return dict(level=dict(output=feat))
