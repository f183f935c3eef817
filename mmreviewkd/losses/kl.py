"""What each position is taken for."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .levelwise import LevelwiseLoss


class KLDivLoss(LevelwiseLoss):
    """Divergence of each position's distribution over the channels.

    "Distilling the Knowledge in a Neural Network" (KD, 2015,
    https://arxiv.org/abs/1503.02531), for logits that a module returns, whether of
    images, of queries or of the positions of a map: softmax at a temperature makes
    each position's channels a distribution; the loss is the Kullback-Leibler
    divergence of the student's from the teacher's, times the temperature squared,
    averaged over positions and images. Channels have to be classes: for the logits of
    MMDetection's boxes take :class:`LogitDistillation`.

    Args:
        tau (float): Temperature of the softmax. Defaults to 1.0.
        standardize (bool): Whether each position's logits get mean 0 and standard
            deviation 1 first, see :func:`standardize_logits`. Defaults to False.
        level_weights (Sequence[float], optional): One weight for each level,
            finest first. Defaults to None: 1 for all.
    """

    def __init__(
        self,
        tau: float = 1.0,
        standardize: bool = False,
        level_weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__(level_weights)
        self.tau = tau
        self.standardize = standardize

    def level_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The loss of one level, maps (N, C, H, W), without any weight."""
        pred, target = (feat.movedim(1, -1).flatten(0, 2) for feat in (pred, target))
        if self.standardize:
            pred, target = map(standardize_logits, (pred, target))
        return divergence(pred, target, self.tau)


def divergence(pred: Tensor, target: Tensor, tau: float) -> Tensor:
    """Compare distributions that rows of logits make.

    Args:
        pred (Tensor): Logits (K, C) of the student.
        target (Tensor): Those of the teacher.
        tau (float): Temperature of the softmax.

    Returns:
        Tensor: The Kullback-Leibler divergence of the student's from the teacher's,
        averaged over the rows, times the temperature squared.
    """
    pred, target = (F.log_softmax(rows / tau, dim=-1) for rows in (pred, target))
    mean = F.kl_div(pred, target, reduction='batchmean', log_target=True)
    return tau**2 * mean


def standardize_logits(rows: Tensor, eps: float = 1e-7) -> Tensor:
    """Give each row of logits (K, C) mean 0 and standard deviation 1.

    The student then learns how the teacher's logits relate, not their range. See "Logit
    Standardization in Knowledge Distillation", CVPR 2024
    (https://arxiv.org/abs/2403.01427); the temperature is applied after it. The
    variance is the mean of squares; the authors' code divides by C - 1 instead of C.

    Args:
        rows (Tensor): Logits (K, C).
        eps (float): Is added to the variance. Defaults to 1e-7.
    """
    var, mean = torch.var_mean(rows, dim=-1, keepdim=True, correction=0)
    return (rows - mean) * (var + eps).rsqrt()
