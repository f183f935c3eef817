"""How alike the images of a batch are."""

import torch.nn.functional as F
from torch import Tensor

from .levelwise import LevelwiseLoss


class SPLoss(LevelwiseLoss):
    """Squared error of the similarities between the images of a batch.

    "Similarity-Preserving Knowledge Distillation" (SP, ICCV 2019,
    https://arxiv.org/abs/1907.09682): the products of all maps of a batch with each
    other, each row divided by its Euclidean norm.

    Made for a classifier's last maps and large batches; here for every level. A batch
    of one image gives 0.

    Args:
        level_weights (Sequence[float], optional): One weight for each level,
            finest first. Defaults to None: 1 for all.
    """

    same_channels = False

    def level_loss(self, pred: Tensor, target: Tensor) -> Tensor:
        """The loss of one level, maps (N, C, H, W), without any weight."""
        return F.mse_loss(_similarities(pred), _similarities(target))


def _similarities(feat: Tensor) -> Tensor:
    rows = feat.flatten(1)
    return F.normalize(rows @ rows.T)
