"""Attention-based fusion of one level's features with the review so far."""

from contextlib import nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from mmreviewkd.layers import PointwiseConv2d, WinogradConv2d

from .connector import init_convs, resize


@MODELS.register_module()
class ABF(BaseModule):
    """Attention-based fusion (ABF) of one student level.

    The level's map is projected to ``mid_channels``; two attention maps then
    decide, pixel by pixel, how much of it and how much of the review handed on
    by the next coarser level goes on. The fused map is the review for the next
    finer level, and a 3x3 convolution of it is compared with the teacher.

    See "Distilling Knowledge via Knowledge Review", section 3.3 and figure 3(a)
    (https://arxiv.org/abs/2104.09044).

    Args:
        in_channels (int): Channels of the student's map.
        out_channels (int): Channels of the teacher's map.
        mid_channels (int): Channels of the review.
        with_review (bool): Whether a coarser level hands on a review; the
            coarsest level has none, and so no attention. Defaults to True.
        norm_cfg (dict): Norm layer after both convolutions.
            Defaults to dict(type='BN').
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        mid_channels: int,
        with_review: bool = True,
        norm_cfg: ConfigType = dict(type='BN'),
    ) -> None:
        super().__init__()
        cfg = dict(bias=False, norm_cfg=norm_cfg, act_cfg=None)
        self.project = ConvModule(
            in_channels, mid_channels, 1, conv_cfg=dict(type=PointwiseConv2d), **cfg
        )
        self.attention = nn.Conv2d(2 * mid_channels, 2, 1) if with_review else None
        self.output = ConvModule(
            mid_channels,
            out_channels,
            3,
            padding=1,
            conv_cfg=dict(type=WinogradConv2d),
            **cfg,
        )

    def init_weights(self) -> None:
        """Initialise the convolutions as published: Kaiming uniform, ``a=1``."""
        init_convs(self)

    def forward(
        self, feat: Tensor, review: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Fuse one level.

        Args:
            feat (Tensor): The student's map, (N, in_channels, H, W).
            review (Tensor, optional): Review of the next coarser level,
                (N, mid_channels, H', W').

        Returns:
            tuple[Tensor, Tensor]: The map to compare with the teacher's,
            (N, out_channels, H, W), and the review for the next finer level,
            (N, mid_channels, H, W).
        """
        # Recomputed for the gradient: a tenth more time, a third less memory.
        fused = checkpoint(
            self._project_and_fuse,
            feat,
            review,
            use_reentrant=False,
            preserve_rng_state=False,
            context_fn=lambda: (nullcontext(), _StatisticsKept(self.project)),
        )
        return self.output(fused), fused

    def _project_and_fuse(self, feat: Tensor, review: Tensor | None) -> Tensor:
        feat = self.project(feat)
        return feat if review is None else self.fuse(feat, review)

    def fuse(self, feat: Tensor, review: Tensor) -> Tensor:
        """Add the review to a level's projected map, both weighted by attention."""
        return _WeightedSum.apply(feat, review, self.attend(feat, review))

    def attend(self, feat: Tensor, review: Tensor) -> Tensor:
        """Compute the attention to a level's projected map and to the review.

        Args:
            feat (Tensor): The projected map, (N, mid_channels, H, W).
            review (Tensor): The review, (N, mid_channels, H', W').

        Returns:
            Tensor: How much of either goes on, from 0 to 1, (N, 2, H, W).
        """
        # A 1x1 convolution of both maps side by side is the sum of one of each, and
        # may act on the review before that is resized: so the maps side by side, the
        # largest tensor of the textbook's form, are never made.
        of_own, of_review = self.attention.weight.chunk(2, dim=1)
        scores = F.conv2d(feat, of_own, self.attention.bias)
        scores = scores + resize(F.conv2d(review, of_review), feat.shape[-2:])
        return scores.sigmoid()


class _StatisticsKept:
    """Keeps batch normalisation from counting a batch once more; to be entered often.

    Args:
        layer (nn.Module): What has the norm layers.
    """

    def __init__(self, layer: nn.Module) -> None:
        self.norms = [m for m in layer.modules() if isinstance(m, _BatchNorm)]
        self.momenta = [norm.momentum for norm in self.norms]

    def __enter__(self) -> None:
        for norm in self.norms:
            norm.momentum = 0.0

    def __exit__(self, *_: object) -> None:
        for norm, momentum in zip(self.norms, self.momenta, strict=True):
            norm.momentum = momentum
            if norm.training:
                norm.num_batches_tracked -= 1


class _WeightedSum(torch.autograd.Function):
    """``weights[:, :1] * feat + weights[:, 1:] * review``, the review resized.

    For the gradient it keeps its arguments only, not the review in its new size.
    """

    @staticmethod
    def forward(ctx: Any, feat: Tensor, review: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(feat, review, weights)
        own, reviewed = weights.split(1, dim=1)
        return resize(review, feat.shape[-2:]).mul_(reviewed).addcmul_(feat, own)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        feat, review, weights = ctx.saved_tensors
        size = feat.shape[-2:]
        own, reviewed = weights.split(1, dim=1)
        of_own = (grad * feat).sum(1, keepdim=True)
        of_reviewed = resize(review, size).mul_(grad).sum(1, keepdim=True)
        # Each pixel of the review has the gradients of all its copies.
        of_review = torch.ops.aten.upsample_nearest2d_backward(
            grad * reviewed, size, review.shape
        )
        return grad * own, of_review, torch.cat([of_own, of_reviewed], dim=1)
