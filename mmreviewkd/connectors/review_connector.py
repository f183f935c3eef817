"""The review: student levels fused from coarse to fine."""

from collections.abc import Sequence

from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import ModuleList
from torch import Tensor

from .connector import Connector


@MODELS.register_module()
class ReviewConnector(Connector):
    """Turns the student's maps into maps to compare with the teacher's.

    Goes from the coarsest level to the finest; each level is fused with the
    review of all coarser ones, so that every teacher level also teaches the
    coarser student levels (the residual learning framework of "Distilling
    Knowledge via Knowledge Review", section 3.2, equation (7) and figure 2(d),
    https://arxiv.org/abs/2104.09044).

    Args:
        in_channels (Sequence[int]): Channels of each student level, finest
            first.
        out_channels (Sequence[int]): Channels of each teacher level, finest
            first; as many levels as ``in_channels``.
        mid_channels (int, optional): Channels of the review. Defaults to None: the
            most that a teacher level has.
        norm_cfg (dict): Norm layer of the connector. Defaults to
            dict(type='BN').
        fusion (dict): Fusion of one level with the review. Defaults to
            dict(type='ABF').
        init_cfg (dict, optional): Initialisation. Defaults to None: each
            fusion initialises itself.

    Raises:
        ValueError: If the numbers of levels differ.

    Example:
        >>> import torch
        >>> import mmreviewkd  # noqa: F401
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
        norm_cfg: ConfigType = dict(type='BN'),
        fusion: ConfigType = dict(type='ABF'),
        init_cfg: ConfigType | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, init_cfg)
        first = self.order()[0]
        self.levels = ModuleList(
            MODELS.build(
                dict(
                    fusion,
                    in_channels=in_,
                    out_channels=out,
                    mid_channels=mid_channels or max(out_channels),
                    with_review=level != first,
                    norm_cfg=norm_cfg,
                )
            )
            for level, (in_, out) in enumerate(
                zip(in_channels, out_channels, strict=True)
            )
        )

    def forward(self, feats: Sequence[Tensor]) -> list[Tensor]:
        """Review the student's levels; see :class:`Connector`."""
        self.check(feats)
        outs, review = [None] * len(feats), None
        for level in self.order():
            outs[level], review = self.levels[level](feats[level], review)
        return outs

    def order(self) -> Sequence[int]:
        """The levels as they are reviewed: from the coarsest to the finest."""
        return range(len(self.in_channels))[::-1]


@MODELS.register_module()
class ReverseReviewConnector(ReviewConnector):
    """The review from fine to coarse: a coarser teacher level teaches finer levels.

    The direction that the paper's comparison of stages finds harmful; to repeat it.
    """

    def order(self) -> Sequence[int]:
        """The levels as they are reviewed: from the finest to the coarsest."""
        return range(len(self.in_channels))
