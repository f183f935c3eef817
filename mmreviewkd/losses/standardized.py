"""Losses that do not depend on the teacher's offsets and scales."""

from collections.abc import Sequence

import torch
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from torch import Tensor, nn

from .levelwise import as_float, loss_by_level


@MODELS.register_module()
class OnStandardizedTargets(nn.Module):
    """A loss on teacher maps that are standardised channel by channel.

    Each channel of the teacher's maps gets mean 0 and variance 1 over the
    batch and all positions, level by level. What the student has to explain is
    then each channel's variation; offsets and scales, which the connector's
    last norm layer could only learn slowly and which differ from teacher to
    teacher, no longer set the loss. With HCL, a level's loss starts near 2 and 0 is
    perfect, whatever the teacher, so that one weight serves all.

    Args:
        loss (dict): Config of the loss.
    """

    def __init__(self, loss: ConfigType) -> None:
        super().__init__()
        self.loss = MODELS.build(loss)

    def forward(self, preds: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
        """Compute the loss on standardised targets, (N, C_i, H_i, W_i) each."""
        return sum(self.by_level(preds, targets))

    def by_level(
        self, preds: Sequence[Tensor], targets: Sequence[Tensor]
    ) -> list[Tensor]:
        """Compute the loss of each level, or all in one; see :func:`loss_by_level`."""
        standardized = [standardize(target) for target in targets]
        return loss_by_level(self.loss, preds, standardized)


def standardize(feat: Tensor, eps: float = 1e-5) -> Tensor:
    """Give each channel of a map (N, C, H, W) mean 0 and variance 1."""
    feat = as_float(feat)
    var, mean = torch.var_mean(feat, dim=(0, 2, 3), keepdim=True, correction=0)
    return (feat - mean) * (var + eps).rsqrt()
