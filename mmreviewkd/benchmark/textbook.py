"""ReviewKD as the paper draws it, to measure against. Not for training."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmreviewkd.connectors import ABF, ReviewConnector
from mmreviewkd.losses import HCLLoss


def textbook_review(
    connector: ReviewConnector, feats: Sequence[Tensor]
) -> list[Tensor]:
    """Review with the level and the enlarged review side by side.

    Args:
        connector (ReviewConnector): Gives the weights; its fusion is :class:`ABF`.
        feats (Sequence[Tensor]): The student's maps (N, C_i, H_i, W_i), finest first.

    Returns:
        list[Tensor]: The same as ``connector(feats)``, but for rounding.
    """
    outs, review = [], None
    for abf, feat in zip(connector.levels[::-1], feats[::-1], strict=True):
        out, review = _textbook_abf(abf, feat, review)
        outs.append(out)
    return outs[::-1]


def _textbook_abf(
    abf: ABF, feat: Tensor, review: Tensor | None
) -> tuple[Tensor, Tensor]:
    fused = abf.project(feat)
    if abf.attention is not None:
        review = F.interpolate(review, size=fused.shape[-2:], mode='nearest')
        weights = abf.attention(torch.cat([fused, review], dim=1)).sigmoid()
        own, reviewed = weights.split(1, dim=1)
        fused = own * fused + reviewed * review
    out = F.conv2d(fused, abf.output.conv.weight, padding=1)
    return abf.output.norm(out), fused


def textbook_hcl(
    loss: HCLLoss, preds: Sequence[Tensor], targets: Sequence[Tensor]
) -> Tensor:
    """HCL with both maps pooled.

    Args:
        loss (HCLLoss): Gives the weights.
        preds (Sequence[Tensor]): The connector's maps, finest first.
        targets (Sequence[Tensor]): The teacher's maps.

    Returns:
        Tensor: The same as ``loss(preds, targets)``, but for rounding.
    """
    weights = loss.level_weights or [1.0] * len(preds)
    total = 0.0
    for level_weight, pred, target in zip(weights, preds, targets, strict=True):
        value, weight, sum_of_weights = F.mse_loss(pred, target), 1.0, 1.0
        for size in loss.pool_sizes:
            if size >= pred.shape[2]:
                continue
            weight /= 2
            sum_of_weights += weight
            value = value + weight * F.mse_loss(
                F.adaptive_avg_pool2d(pred, size), F.adaptive_avg_pool2d(target, size)
            )
        total = total + level_weight * value / sum_of_weights
    return total
