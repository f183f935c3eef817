"""One transform for each pair of a student's and a teacher's level."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from .connector import Connector, Size, resize
from .conv_norm import ConvNorm

RULES: dict[str, Callable[[int, int], bool]] = {
    'same': lambda student, teacher: student == teacher,
    'finer': lambda student, teacher: student >= teacher,
    'coarser': lambda student, teacher: student <= teacher,
}
"""Which levels are paired, by name; levels are counted from 0, the finest."""


class ConvConnector(Connector):
    """1x1 convolution, and nearest interpolation, for each pair of levels.

    The transform M of "Distilling Knowledge via Knowledge Review", CVPR 2021
    (https://arxiv.org/abs/2104.09044): with all pairs of a rule its review mechanism
    without fusion. The convolutions are initialised as those of
    :class:`ReviewConnector`.

    Args:
        in_channels (Sequence[int]): See :class:`Connector`.
        out_channels (Sequence[int]): See :class:`Connector`.
        pairs (str | Sequence[tuple[int, int]]): The student's and the teacher's level
            of each pair, counted from 0, the finest; or a rule: ``'same'`` for one to
            one, ``'finer'`` for every student level with the teacher's same and all
            finer ones, ``'coarser'`` for the reverse. Defaults to ``'same'``.
        norm_cfg (dict, optional): Norm layer after each convolution, see
            :func:`build_norm`; None for none, and a bias in its place.
            Defaults to dict(type='BN').

    Raises:
        ValueError: If ``pairs`` is no rule, or names levels that do not exist.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: Sequence[int],
        pairs: str | Sequence[Sequence[int]] = 'same',
        norm_cfg: Mapping[str, Any] | None = dict(type='BN'),
    ) -> None:
        super().__init__(in_channels, out_channels)
        self.pairs = _pairs(pairs, len(in_channels))
        self.target_levels = [teacher for _, teacher in self.pairs]
        self.transforms = nn.ModuleList(
            ConvNorm(
                in_channels[student],
                out_channels[teacher],
                1,
                norm_cfg,
                bias=norm_cfg is None,
            )
            for student, teacher in self.pairs
        )

    def connect(self, feats: Sequence[Tensor], sizes: Sequence[Size]) -> list[Tensor]:
        """Make a map for each pair; see :class:`Connector`."""
        outs = []
        for (student, teacher), transform in zip(
            self.pairs, self.transforms, strict=True
        ):
            feat, (height, width) = feats[student], sizes[teacher]
            # The convolution sees the smaller of both maps.
            if feat.shape[2] * feat.shape[3] > height * width:
                feat = resize(feat, (height, width))
            outs.append(transform(feat))
        return outs


def _pairs(pairs: str | Sequence[Sequence[int]], levels: int) -> list[tuple[int, int]]:
    every = range(levels)
    if isinstance(pairs, str):
        if pairs not in RULES:
            raise ValueError(
                f'connector.pairs is {pairs!r}, but has to be one of '
                f'{", ".join(RULES)}, or pairs of level numbers'
            )
        return [(s, t) for s in every for t in every if RULES[pairs](s, t)]
    if not pairs or any(level not in every for pair in pairs for level in pair):
        raise ValueError(
            f'connector.pairs is {pairs}, but has to name pairs of the {levels} levels '
            'that are compared, counted from 0'
        )
    return [(student, teacher) for student, teacher in pairs]
