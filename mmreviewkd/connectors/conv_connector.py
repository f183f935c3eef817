"""One transform for each pair of a student's and a teacher's level."""

from collections.abc import Sequence

from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import ModuleList
from torch import Tensor

from .connector import Connector, init_convs, resize

RULES = dict(
    same=lambda student, teacher: student == teacher,
    finer=lambda student, teacher: student >= teacher,
    coarser=lambda student, teacher: student <= teacher,
)
"""Which levels are paired, by name; levels are counted from 0, the finest."""


@MODELS.register_module()
class ConvConnector(Connector):
    """1x1 convolution, and nearest interpolation, for each pair of levels.

    The transform M of "Distilling Knowledge via Knowledge Review", section 3.1
    (https://arxiv.org/abs/2104.09044): with all pairs of a rule its review mechanism
    without fusion.

    Args:
        in_channels (Sequence[int]): See :class:`Connector`.
        out_channels (Sequence[int]): See :class:`Connector`.
        pairs (str | Sequence[tuple[int, int]]): The student's and the teacher's level
            of each pair, counted from 0, the finest; or a rule: ``'same'`` for one to
            one, ``'finer'`` for every student level with the teacher's same and all
            finer ones, ``'coarser'`` for the reverse. Defaults to ``'same'``.
        norm_cfg (dict, optional): Norm layer after each convolution; None for none.
            Defaults to dict(type='BN').
        init_cfg (dict, optional): Initialisation. Defaults to None: Kaiming uniform,
            as in :class:`ReviewConnector`.

    Raises:
        ValueError: If ``pairs`` is no rule, or names levels that do not exist.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        pairs: str | Sequence[tuple[int, int]] = 'same',
        norm_cfg: ConfigType | None = dict(type='BN'),
        init_cfg: ConfigType | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, init_cfg)
        self.pairs = _pairs(pairs, len(in_channels))
        self.target_levels = [teacher for _, teacher in self.pairs]
        self.transforms = ModuleList(
            ConvModule(
                in_channels[student],
                out_channels[teacher],
                1,
                norm_cfg=norm_cfg,
                act_cfg=None,
            )
            for student, teacher in self.pairs
        )

    def init_weights(self) -> None:
        """Initialise the convolutions as the review's, unless a config says how."""
        if self.init_cfg:
            super().init_weights()
        else:
            init_convs(self)

    def forward(self, feats: Sequence[Tensor]) -> list[Tensor]:
        """Make a map for each pair; see :class:`Connector`."""
        self.check(feats)
        outs = []
        for (student, teacher), transform in zip(
            self.pairs, self.transforms, strict=True
        ):
            feat, size = feats[student], feats[teacher].shape[-2:]
            # The convolution sees the smaller of both maps.
            if student < teacher:
                outs.append(transform(resize(feat, size)))
            elif student > teacher:
                outs.append(resize(transform(feat), size))
            else:
                outs.append(transform(feat))
        return outs


def _pairs(pairs: str | Sequence[tuple[int, int]], levels: int) -> list:
    if isinstance(pairs, str):
        if pairs not in RULES:
            raise ValueError(
                f'connector.pairs is {pairs!r}, but has to be one of '
                f'{", ".join(RULES)}, or pairs of level numbers'
            )
        every = range(levels)
        return [(s, t) for s in every for t in every if RULES[pairs](s, t)]
    pairs = [tuple(pair) for pair in pairs]
    if not pairs or any(level not in range(levels) for pair in pairs for level in pair):
        raise ValueError(
            f'connector.pairs is {pairs}, but has to name pairs of the {levels} levels '
            'that are compared, counted from 0'
        )
    return pairs
