"""Which levels of student and teacher are compared, and how wide they are."""

from collections.abc import Sequence
from typing import Any

from mmdet.utils import ConfigType
from torch import Tensor

Levels = Sequence[int] | Sequence[tuple[int, int]]


def level_strides(detector: ConfigType) -> list[int] | None:
    """Find the strides of the levels of a detector's neck.

    The heads that use all levels state them: by their anchors or points.

    Args:
        detector (dict): The whole config of a detector.

    Returns:
        list[int] | None: Pixels of the image to one of the level, finest level
        first; None where no head states them.
    """
    for name in ('rpn_head', 'bbox_head', 'mask_head'):
        head = detector.get(name)
        if not isinstance(head, dict):
            continue
        for part in (head.get('anchor_generator'), head.get('prior_generator'), head):
            strides = part.get('strides') if isinstance(part, dict) else None
            if isinstance(strides, list | tuple):
                # Some have one for each direction.
                strides = [
                    max(stride) if _are_ints(stride, 2) else stride
                    for stride in strides
                ]
                if _are_ints(strides):
                    return strides
    return None


def _are_ints(values: Any, number: int | None = None) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) == (number or len(values)) > 0
        and all(isinstance(v, int) and not isinstance(v, bool) for v in values)
    )


def level_channels(detector: ConfigType, who: str) -> list[int]:
    """Find the channels of the levels of a detector's neck.

    Args:
        detector (dict): The whole config of a detector.
        who (str): What to call it in errors: ``'student'`` or ``'teacher'``.

    Raises:
        ValueError: If the neck's config does not tell.
    """
    necks = _necks(detector)
    # Of several necks in a row the last ones may only refine what they get.
    channels = next((n.out_channels for n in necks[::-1] if 'out_channels' in n), None)
    number = next((n.num_outs for n in necks[::-1] if 'num_outs' in n), None)
    if _are_ints([channels, number]):
        channels = [channels] * number
    if not _are_ints(channels):
        field = dict(student='in_channels', teacher='out_channels')[who]
        raise ValueError(
            f"the {who}'s neck {necks[-1].get('type')} does not tell its levels' "
            f'channels; set distillation.{field}, one entry for each level'
        )
    return list(channels)


def match_levels(
    student: ConfigType, teacher: ConfigType, levels: Levels | None = None
) -> list[tuple[int, int]] | None:
    """Pair the levels of student and teacher.

    Args:
        student (dict): The student's whole config.
        teacher (dict): The teacher's whole config.
        levels (Sequence[int] | Sequence[tuple[int, int]], optional): The strides
            of the levels to compare, or pairs of a student's and a teacher's
            level, counted from 0, the finest. Defaults to None: all.

    Returns:
        list[tuple[int, int]] | None: Pairs of level numbers, finest first; None
        for all levels, one to one, where the strides are not known.

    Raises:
        ValueError: If a detector has no neck, a level has no counterpart, or
            ``levels`` names one that does not exist.
    """
    for who, detector in dict(student=student, teacher=teacher).items():
        if not _necks(detector):
            raise ValueError(
                f'the {who} {detector.get("type")} has no neck; distillation compares '
                "the levels of the detectors' necks"
            )
    if levels is not None and not _are_ints(levels):
        if not (isinstance(levels, list | tuple) and levels) or not all(
            _are_ints(pair, 2) for pair in levels
        ):
            raise ValueError(
                'model.levels has to be strides, such as (8, 16), or pairs of level '
                f'numbers, such as [(0, 1), (1, 2)]; got {levels!r}'
            )
        return sorted((s, t) for s, t in levels)
    strides = dict(student=level_strides(student), teacher=level_strides(teacher))
    known = None not in strides.values()
    listing = '\n'.join(
        f'  {who}: {"unknown" if own is None else own}' for who, own in strides.items()
    )
    if not known:
        if levels:
            raise ValueError(
                f'model.levels={list(levels)} names strides, but these are not known '
                f'for both detectors:\n{listing}\nName pairs of level numbers instead, '
                'such as [(0, 1), (1, 2)].'
            )
        return None
    wanted = sorted(levels or {*strides['student'], *strides['teacher']})
    if any(stride not in own for own in strides.values() for stride in wanted):
        common = sorted(set(strides['student']) & set(strides['teacher']))
        raise ValueError(
            (
                f'model.levels={list(levels)} has strides that a detector lacks'
                if levels
                else 'student and teacher have levels of different strides'
            )
            + f':\n{listing}\n'
            + (
                f'Compare those that both have: set model.levels to {common}.'
                if common
                else 'They have none in common: name pairs of level numbers in '
                'model.levels, of maps that have the same size.'
            )
        )
    return [
        (strides['student'].index(stride), strides['teacher'].index(stride))
        for stride in wanted
    ]


def _necks(detector: ConfigType) -> list[ConfigType]:
    """The neck, or the necks in a row."""
    necks = detector.get('neck') or []
    necks = [necks] if isinstance(necks, dict) else necks
    if not isinstance(necks, list | tuple) or not all(
        isinstance(neck, dict) for neck in necks
    ):
        raise ValueError(
            f'the neck of {detector.get("type")} has to be a dict, or a list of them; '
            f'got {necks!r}'
        )
    return list(necks)


def pick(feats: Sequence[Tensor], levels: Sequence[int] | None) -> tuple[Tensor, ...]:
    """Take the maps of some levels, or of all where ``levels`` is None."""
    return tuple(feats) if levels is None else tuple(feats[i] for i in levels)
