"""Plain addition of one level and the residual of the coarser ones."""

from typing import Any

from torch import Tensor

from .abf import ABF


class AdditiveFusion(ABF):
    """ABF without its attention: the level's projected map plus the residual.

    The residual learning framework alone, as in the ablation of "Distilling Knowledge
    via Knowledge Review", CVPR 2021 (https://arxiv.org/abs/2104.09044).

    It takes the arguments of :class:`ABF`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.attention = None

    def fuse(self, feat: Tensor, residual: Tensor) -> Tensor:
        """Add both maps, (N, mid_channels, H, W)."""
        return feat + residual
