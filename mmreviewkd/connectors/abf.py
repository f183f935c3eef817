"""Attention-based fusion of one level with the residual of the coarser ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .connector import resize
from .conv_norm import ConvNorm, init_conv


class ABF(nn.Module):
    """Attention-based fusion (ABF) of one student level.

    The level's map is projected to ``mid_channels``. Two attention maps then decide,
    pixel by pixel, how much of it and how much of the residual of the coarser levels
    goes on. The fused map is the residual for the next level; a 3x3 convolution of it
    is compared with the teacher's map.

    See "Distilling Knowledge via Knowledge Review", CVPR 2021
    (https://arxiv.org/abs/2104.09044). The attention's convolution starts like the
    others, with a bias of 0; the authors' code leaves it to PyTorch's default.

    Args:
        in_channels (int): Channels of the student's map.
        out_channels (int): Channels of the teacher's map.
        mid_channels (int): Channels of the residual.
        with_residual (bool): Whether another level hands on a residual. The coarsest
            level gets none, and so has no attention. Defaults to True.
        norm_cfg (dict, optional): Norm layer after both convolutions, see
            :func:`build_norm`; None for none. Defaults to dict(type='BN').
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        mid_channels: int,
        with_residual: bool = True,
        norm_cfg: Mapping[str, Any] | None = dict(type='BN'),
    ) -> None:
        super().__init__()
        self.project = ConvNorm(in_channels, mid_channels, 1, norm_cfg)
        self.attention: nn.Conv2d | None = None
        if with_residual:
            self.attention = nn.Conv2d(2 * mid_channels, 2, 1)
            init_conv(self.attention)
        self.output = ConvNorm(mid_channels, out_channels, 3, norm_cfg)

    def forward(
        self,
        feat: Tensor,
        residual: Tensor | None = None,
        size: Sequence[int] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Fuse one level.

        Args:
            feat (Tensor): The student's map, (N, in_channels, H, W).
            residual (Tensor, optional): The fused map of the next coarser level,
                (N, mid_channels, H', W').
            size (tuple[int, int], optional): Height and width (H_t, W_t) of the
                teacher's map. Defaults to None: those of the student's.

        Returns:
            tuple[Tensor, Tensor]: The map to compare with the teacher's,
            (N, out_channels, H_t, W_t), and the residual for the next level,
            (N, mid_channels, H_t, W_t).
        """
        feat = self.project(feat)
        if residual is not None:
            feat = self.fuse(feat, resize(residual, feat.shape[-2:]))
        if size is not None:
            feat = resize(feat, size)
        return self.output(feat), feat

    def fuse(self, feat: Tensor, residual: Tensor) -> Tensor:
        """Add both maps, weighted by attention.

        Args:
            feat (Tensor): The level's projected map, (N, mid_channels, H, W).
            residual (Tensor): The residual at its size, (N, mid_channels, H, W).

        Returns:
            Tensor: The fused map, (N, mid_channels, H, W).
        """
        a, b = self.attend(feat, residual).split(1, dim=1)
        return a * feat + b * residual

    def attend(self, feat: Tensor, residual: Tensor) -> Tensor:
        """Compute the attention to the level's projected map and to the residual.

        Args:
            feat (Tensor): The level's projected map, (N, mid_channels, H, W).
            residual (Tensor): The residual at its size, (N, mid_channels, H, W).

        Returns:
            Tensor: How much of either goes on, from 0 to 1, (N, 2, H, W).

        Raises:
            ValueError: If the fusion was built without attention.
        """
        if self.attention is None:
            raise ValueError(
                f'{type(self).__name__} has no attention; build ABF with '
                'with_residual=True'
            )
        return self.attention(torch.cat([feat, residual], dim=1)).sigmoid()
