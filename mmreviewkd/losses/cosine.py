"""Direction of each position's vector."""

import torch.nn.functional as F
from torch import Tensor

from .levelwise import LevelwiseLoss


class CosineDistillLoss(LevelwiseLoss):
    """1 minus the cosine of both vectors, averaged over the positions.

    For a foundation model as the teacher, such as DINOv2 or DINOv3: with a linear
    projection W of the student's map S, the mean over the positions x of
    1 - cos(W S(x), token(x)). For learning from foundation models see "AM-RADIO:
    Agglomerative Vision Foundation Model Reduce All Domains Into One", CVPR 2024
    (https://arxiv.org/abs/2312.06709); the form here is this project's.

    Args:
        level_weights (Sequence[float], optional): One weight for each level,
            finest first. Defaults to None: 1 for all.
    """

    def level_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The loss of one level, maps (N, C, H, W), without any weight."""
        # The floor keeps the gradient of a vector of zeros within bounds.
        return (1 - F.cosine_similarity(pred, target, dim=1, eps=1e-6)).mean()
