"""Mean squared error."""

import torch.nn.functional as F
from torch import Tensor

from .levelwise import LevelwiseLoss
from .weighted_mse import weighted_mse


class L2DistillLoss(LevelwiseLoss):
    """Mean squared error of each level: the plain distance of the review's ablation.

    Args:
        level_weights (Sequence[float], optional): One weight for each level,
            finest first. Defaults to None: 1 for all.
    """

    def level_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The loss of one level, maps (N, C, H, W), without any weight."""
        return F.mse_loss(pred, target)

    def weighted_level_loss(
        self, pred: Tensor, target: Tensor, weight: Tensor
    ) -> Tensor:
        """The like, where positions count as ``weight`` (N, 1, H, W) says."""
        return weighted_mse(pred, target, weight)
