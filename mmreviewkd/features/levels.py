"""Which levels of student and teacher are compared."""

import logging
import math
from collections.abc import Sequence
from typing import Any, cast

from mmengine.logging import print_log

from .feature import Feature

Levels = Sequence[int] | Sequence[tuple[int, int]]
RESIZE = ('nearest', 'pool', 'review')
"""How maps of different sizes get the same, see :class:`FeaturePairs`."""
_RESIZE_ADVICE = (
    "Set model.resize='nearest' (or 'pool') to give the teacher's maps the size of the "
    "student's, or model.resize='review' to give the connector's maps the size of the "
    "teacher's."
)


def match_levels(
    student: Sequence[Feature],
    teacher: Sequence[Feature],
    levels: Levels | None = None,
    resize: str | None = None,
) -> list[tuple[int, int]]:
    """Pair the levels of student and teacher by their strides.

    Args:
        student (Sequence[Feature]): The student's levels, as measured.
        teacher (Sequence[Feature]): The teacher's.
        levels (Sequence[int] | Sequence[tuple[int, int]], optional): The strides of
            the levels to compare, or pairs of a student's and a teacher's level,
            counted from 0. Defaults to None: every stride that both have.
        resize (str, optional): One of :data:`RESIZE`: a student's level whose stride
            the teacher lacks takes the teacher's level of the nearest stride. Defaults
            to None: only levels of one stride are compared.

    Returns:
        list[tuple[int, int]]: Pairs of level numbers, the student's finest first.

    Raises:
        ValueError: If no level has a counterpart, or ``levels`` names one that does
            not exist or has none, or one is no feature that can be compared.
    """
    if resize is not None and resize not in RESIZE:
        raise ValueError(
            f'model.resize is {resize!r}, but has to be one of {", ".join(RESIZE)}'
        )
    if levels is None:
        pairs = _by_stride(student, teacher, None, resize)
    elif _are_ints(levels):
        pairs = _by_stride(student, teacher, cast(Sequence[int], levels), resize)
    else:
        pairs = _by_number(student, teacher, levels, resize)
    for own, other in pairs:
        for who, feature in dict(student=student[own], teacher=teacher[other]).items():
            if feature.layout == '?':
                raise ValueError(
                    f'{feature} of the {who} is neither a map nor tokens nor vectors; '
                    f'leave it out of model.levels, or name another module in '
                    f'model.{who}_features'
                )
    return sorted(pairs, key=lambda pair: _stride(student[pair[0]]))


def _stride(feature: Feature) -> float:
    """The stride; a feature without positions is coarser than all others."""
    return math.inf if feature.stride is None else feature.stride


def _by_stride(
    student: Sequence[Feature],
    teacher: Sequence[Feature],
    wanted: Sequence[int] | None,
    resize: str | None,
) -> list[tuple[int, int]]:
    own, other = ([_stride(one) for one in side] for side in (student, teacher))
    if wanted is None and own == other:
        return [(number, number) for number in range(len(own))]
    numbers = list(range(len(own)))
    if wanted is not None:
        lacking = set(wanted) - set(own) | (set() if resize else set(wanted) - {*other})
        if lacking:
            raise ValueError(
                f'model.levels={list(wanted)}: a model has no level of stride '
                f'{", ".join(map(str, sorted(lacking)))}\n{_both(student, teacher)}\n'
                + _advice(student, teacher, resize)
            )
        numbers = [number for number in numbers if own[number] in wanted]
    if resize:
        pairs = [(number, _nearest(own[number], other)) for number in numbers]
        apart = [one for one in pairs if math.isinf(own[one[0]] + other[one[1]])]
        if any(own[a] != other[b] for a, b in apart):
            raise ValueError(
                'a map and a vector have no size in common:\n'
                f'{_both(student, teacher)}\nName modules that return maps in '
                'model.student_features and model.teacher_features.'
            )
        return pairs
    pairs, left = [], list(range(len(other)))
    for number in numbers:
        found = next((one for one in left if other[one] == own[number]), None)
        if found is not None:
            left.remove(found)
            pairs.append((number, found))
    if not pairs:
        raise ValueError(
            'student and teacher have no level of the same stride:\n'
            f'{_both(student, teacher)}\n{_advice(student, teacher, resize)}'
        )
    if wanted is None:
        compared = ', '.join(str(own[number]) for number, _ in pairs)
        print_log(
            f'levels: only those of the strides {compared} are compared, which student '
            f'and teacher have both:\n{_both(student, teacher)}\nTo compare the others '
            'too, set model.resize; to choose, set model.levels.',
            logger='current',
            level=logging.WARNING,
        )
    return pairs


def _nearest(stride: float, strides: Sequence[float]) -> int:
    """Number of the nearest stride by ratio, the finer one of two that are as near."""
    finite = [math.log2(min(one, 2.0**30)) for one in (stride, *strides)]
    distances = [(abs(one - finite[0]), one) for one in finite[1:]]
    return distances.index(min(distances))


def _by_number(
    student: Sequence[Feature],
    teacher: Sequence[Feature],
    levels: Any,
    resize: str | None,
) -> list[tuple[int, int]]:
    if not (isinstance(levels, list | tuple) and levels) or not all(
        _are_ints(pair, 2) for pair in levels
    ):
        raise ValueError(
            'model.levels has to be strides, such as (8, 16), or pairs of level '
            f'numbers, such as [(0, 1), (1, 2)]; got {levels!r}'
        )
    for side, (who, features) in enumerate(
        dict(student=student, teacher=teacher).items()
    ):
        numbers = sorted(pair[side] for pair in levels)
        if numbers[0] < 0 or numbers[-1] >= len(features):
            raise ValueError(
                f"model.levels names the {who}'s levels {numbers}, but it has "
                f'{len(features)}, counted from 0\n{_both(student, teacher)}'
            )
    pairs = [(own, other) for own, other in levels]
    apart = [
        f'{student[own]} and {teacher[other]}'
        for own, other in pairs
        if _stride(student[own]) != _stride(teacher[other])
    ]
    if apart and not resize:
        raise ValueError(
            f'model.levels pairs levels of different strides: {"; ".join(apart)}\n'
            f'{_both(student, teacher)}\n{_RESIZE_ADVICE}'
        )
    return pairs


def _both(student: Sequence[Feature], teacher: Sequence[Feature]) -> str:
    return '\n'.join(
        f'  {who}: ' + ', '.join(f'{number}: {one}' for number, one in enumerate(side))
        for who, side in dict(student=student, teacher=teacher).items()
    )


def _advice(
    student: Sequence[Feature], teacher: Sequence[Feature], resize: str | None
) -> str:
    own, other = ([one.stride for one in side] for side in (student, teacher))
    common = sorted(one for one in {*own} & {*other} if one is not None)
    if common:
        return f'Both have {common}: set model.levels to them, or leave it out.'
    if resize:
        return 'Name levels that exist, or leave model.levels out.'
    return (
        f'{_RESIZE_ADVICE[:-1]}; model.levels=[(0, 0), ...] then names pairs of a '
        "student's and a teacher's level."
    )


def _are_ints(values: Any, number: int | None = None) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) == (number or len(values)) > 0
        and all(isinstance(v, int) and not isinstance(v, bool) for v in values)
    )
