"""Where each channel looks."""

from collections.abc import Sequence

from torch import Tensor

from .kl import divergence
from .levelwise import LevelwiseLoss


class CWDLoss(LevelwiseLoss):
    """Divergence of each channel's distribution over the positions.

    "Channel-wise Knowledge Distillation for Dense Prediction" (CWD, ICCV 2021,
    https://arxiv.org/abs/2011.13256): each channel of a map is made a distribution over
    its positions by softmax; the loss is the Kullback-Leibler divergence of the
    student's from the teacher's, averaged over channels and images. MMRazor's detectors
    compare maps of the neck by it, too.

    Args:
        tau (float): Temperature of the softmax. Defaults to 1.0.
        level_weights (Sequence[float], optional): One weight for each level,
            finest first. Defaults to None: 1 for all.
    """

    def __init__(
        self, tau: float = 1.0, level_weights: Sequence[float] | None = None
    ) -> None:
        super().__init__(level_weights)
        self.tau = tau

    def level_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The loss of one level, maps (N, C, H, W), without any weight."""
        pred, target = (feat.flatten(2).flatten(0, 1) for feat in (pred, target))
        return divergence(pred, target, self.tau)
