"""The review: student levels fused from coarse to fine."""

from collections.abc import Sequence

from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import BaseModule, ModuleList
from torch import Tensor


@MODELS.register_module()
class ReviewConnector(BaseModule):
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
        super().__init__(init_cfg)
        if len(in_channels) != len(out_channels) or not in_channels:
            raise ValueError(
                'connector.in_channels and connector.out_channels need one entry '
                f'for each level, got {list(in_channels)} and {list(out_channels)}'
            )
        self.in_channels = list(in_channels)
        self.out_channels = list(out_channels)
        coarsest = len(in_channels) - 1
        self.levels = ModuleList(
            MODELS.build(
                dict(
                    fusion,
                    in_channels=in_,
                    out_channels=out,
                    mid_channels=mid_channels or max(out_channels),
                    with_review=level != coarsest,
                    norm_cfg=norm_cfg,
                )
            )
            for level, (in_, out) in enumerate(
                zip(in_channels, out_channels, strict=True)
            )
        )

    def forward(self, feats: Sequence[Tensor]) -> list[Tensor]:
        """Review the student's levels.

        Args:
            feats (Sequence[Tensor]): Student maps (N, C_i, H_i, W_i), finest
                level first.

        Returns:
            list[Tensor]: Maps (N, out_channels[i], H_i, W_i), finest first.

        Raises:
            ValueError: If the number of levels or a level's channels are not
                those of ``in_channels``.
        """
        self._check(feats)
        outs, review = [], None
        for level in reversed(range(len(feats))):
            out, review = self.levels[level](feats[level], review)
            outs.append(out)
        return outs[::-1]

    def _check(self, feats: Sequence[Tensor]) -> None:
        shapes = [tuple(feat.shape) for feat in feats]
        if len(feats) != len(self.in_channels):
            raise ValueError(
                f'connector expects {len(self.in_channels)} student levels, got '
                f'{len(feats)} with shapes {shapes}; give connector.in_channels '
                'and connector.out_channels one entry for each level'
            )
        for level, (shape, channels) in enumerate(
            zip(shapes, self.in_channels, strict=True)
        ):
            if len(shape) != 4 or shape[1] != channels:
                raise ValueError(
                    f'connector expects a student map (N, {channels}, H, W) at level '
                    f'{level}, got {shape}; set connector.in_channels to the '
                    "channels of the student's neck"
                )
