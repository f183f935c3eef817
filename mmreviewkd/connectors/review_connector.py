"""The review: student levels fused from coarse to fine."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .abf import ABF
from .additive_fusion import AdditiveFusion
from .connector import Connector, Size

FUSIONS: dict[str, type[nn.Module]] = {'ABF': ABF, 'AdditiveFusion': AdditiveFusion}
"""Fusions by the ``type`` of a config."""


class ReviewConnector(Connector):
    """Turns the student's maps into maps to compare with the teacher's.

    Goes from the coarsest level to the finest. Each level is fused with the residual
    of all coarser ones, so that every teacher level also teaches the coarser student
    levels (the residual learning framework of "Distilling Knowledge via Knowledge
    Review", CVPR 2021, https://arxiv.org/abs/2104.09044).

    Args:
        in_channels (Sequence[int]): Channels of each student level, finest
            first.
        out_channels (Sequence[int]): Channels of each teacher level, finest
            first; as many levels as ``in_channels``.
        mid_channels (int, optional): Channels of the residual. Defaults to None: the
            most that a teacher level has.
        norm_cfg (dict, optional): Norm layers, see :func:`build_norm`; None for none.
            Defaults to dict(type='BN').
        fusion (dict): Fusion of one level with the residual: ``type`` is ``'ABF'``,
            ``'AdditiveFusion'`` or a class with the arguments of :class:`ABF`, and the
            other keys are further arguments. Defaults to dict(type='ABF').
        with_cp (bool): Whether each level is computed again for the gradient, which
            needs less memory and more time. Batch norm's running statistics then see
            each batch twice, as with MMDetection's ``with_cp``. Defaults to False.

    Raises:
        ValueError: If the numbers of levels differ, or there is no such fusion.

    Example:
        >>> import torch
        >>> from mmreviewkd.connectors import ReviewConnector
        >>> connector = ReviewConnector([8, 8], [16, 32], mid_channels=4)
        >>> feats = [torch.rand(2, 8, 10, 10), torch.rand(2, 8, 5, 5)]
        >>> [tuple(out.shape) for out in connector(feats)]
        [(2, 16, 10, 10), (2, 32, 5, 5)]
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        mid_channels: int | None = None,
        norm_cfg: Mapping[str, Any] | None = dict(type='BN'),
        fusion: Mapping[str, Any] = dict(type='ABF'),
        with_cp: bool = False,
    ) -> None:
        super().__init__(in_channels, out_channels)
        kwargs = dict(fusion)
        fusion_class = _fusion_class(kwargs.pop('type', None))
        first = self.order()[0]
        self.levels = nn.ModuleList(
            fusion_class(
                in_channels=in_,
                out_channels=out,
                mid_channels=mid_channels or max(out_channels),
                with_residual=level != first,
                norm_cfg=norm_cfg,
                **kwargs,
            )
            for level, (in_, out) in enumerate(
                zip(in_channels, out_channels, strict=True)
            )
        )
        self.with_cp = with_cp

    def connect(self, feats: Sequence[Tensor], sizes: Sequence[Size]) -> list[Tensor]:
        """Review the student's levels; see :class:`Connector`."""
        outs: dict[int, Tensor] = {}
        residual = None
        for level in self.order():
            outs[level], residual = self._fuse(
                self.levels[level], feats[level], residual, sizes[level]
            )
        return [outs[level] for level in range(len(feats))]

    def order(self) -> Sequence[int]:
        """The levels as they are reviewed: from the coarsest to the finest."""
        return range(len(self.in_channels))[::-1]

    def _fuse(self, fusion: nn.Module, *inputs: Any) -> tuple[Tensor, Tensor]:
        if self.with_cp:
            return checkpoint(fusion, *inputs, use_reentrant=False)
        return fusion(*inputs)


class ReverseReviewConnector(ReviewConnector):
    """The review from fine to coarse: a coarser teacher level teaches finer levels.

    The direction that the paper's comparison of stages finds harmful; to repeat it.
    ``in_channels``, ``out_channels``, ``mid_channels``, ``norm_cfg``, ``fusion`` and
    ``with_cp`` are those of :class:`ReviewConnector`.
    """

    def order(self) -> Sequence[int]:
        """The levels as they are reviewed: from the finest to the coarsest."""
        return range(len(self.in_channels))


def _fusion_class(kind: object) -> type[nn.Module]:
    if isinstance(kind, str) and kind in FUSIONS:
        return FUSIONS[kind]
    if isinstance(kind, type) and issubclass(kind, nn.Module):
        return kind
    raise ValueError(
        f'connector.fusion.type is {kind!r}, but has to be one of '
        f'{", ".join(FUSIONS)}, or a class of torch.nn.Module'
    )
