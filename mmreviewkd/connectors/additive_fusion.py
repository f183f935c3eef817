"""Plain addition of one level's features and the review so far."""

from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from torch import Tensor

from .abf import ABF
from .connector import resize


@MODELS.register_module()
class AdditiveFusion(ABF):
    """ABF without its attention: the level's projected map plus the review.

    The residual learning framework alone, as in the ablation of "Distilling Knowledge
    via Knowledge Review", section 3.2 (https://arxiv.org/abs/2104.09044).

    Args:
        in_channels (int): See :class:`ABF`, as for all others.
        out_channels (int): Channels of the teacher's map.
        mid_channels (int): Channels of the review.
        with_review (bool): Of no effect, since addition has no weights.
            Defaults to True.
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
        super().__init__(
            in_channels,
            out_channels,
            mid_channels,
            with_review=False,
            norm_cfg=norm_cfg,
        )

    def fuse(self, feat: Tensor, review: Tensor) -> Tensor:
        """Add the review to a level's projected map."""
        return feat + resize(review, feat.shape[-2:])
