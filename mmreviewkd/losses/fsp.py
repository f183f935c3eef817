"""The flow from level to level."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from .l2 import L2DistillLoss
from .levelwise import as_float


class FSPLoss(L2DistillLoss):
    """Squared error of the products of neighbouring levels.

    "A Gift from Knowledge Distillation: Fast Optimization, Network Minimization and
    Transfer Learning" (FSP, CVPR 2017,
    https://openaccess.thecvf.com/content_cvpr_2017/html/Yim_A_Gift_From_CVPR_2017_paper.html):
    the product of two maps, each channel with each, averaged over the positions, says
    how features flow from one to the other; the larger map is max-pooled to the other's
    size.

    Made for the ends of a classifier's stages, in place of which stand neighbouring
    levels here. The squared error is averaged over the products instead of summed, so
    that it does not grow with the number of channels.

    Args:
        level_weights (Sequence[float], optional): One weight for each two neighbours,
            finest first. Defaults to None: 1 for all.
    """

    def by_level(
        self,
        preds: Sequence[Tensor],
        targets: Sequence[Tensor],
        position_weights: Sequence[Tensor] | None = None,
    ) -> list[Tensor]:
        """Compare the flows between neighbours; see :class:`LevelwiseLoss`."""
        return super().by_level(flows(preds), flows(targets), position_weights)


def flows(feats: Sequence[Tensor]) -> list[Tensor]:
    """The FSP matrices (N, C_i, C_i+1) of neighbouring levels (N, C_i, H_i, W_i)."""
    feats = [as_float(feat) for feat in feats]
    with torch.autocast(feats[0].device.type, enabled=False):
        return [
            torch.einsum(
                'nchw,ndhw->ncd',
                F.adaptive_max_pool2d(fine, coarse.shape[-2:]),
                coarse,
            )
            / coarse.shape[-2:].numel()
            for fine, coarse in pairwise(feats)
        ]
