"""What the tables have in common: AP, gap recovered, spread, Markdown."""

from collections.abc import Callable, Sequence
from statistics import mean, stdev

KINDS = dict(box='bbox', mask='segm')
METRICS = {
    'AP': 'mAP',
    'AP50': 'mAP_50',
    'AP75': 'mAP_75',
    'APs': 'mAP_s',
    'APm': 'mAP_m',
    'APl': 'mAP_l',
}


def average_precision(metrics: dict, kind: str, metric: str = 'AP') -> float | None:
    """Give an AP in points of 100.

    Args:
        metrics (dict): What CocoMetric has returned.
        kind (str): ``'box'`` or ``'mask'``.
        metric (str): One of :data:`METRICS`. Defaults to ``'AP'``.

    Returns:
        float | None: The AP; None where there are no objects of that size.
    """
    # CocoMetric returns nothing where a detector detects nothing.
    ap = metrics.get(f'coco/{KINDS[kind]}_{METRICS[metric]}', 0.0)
    return None if ap < 0 else 100 * ap


def gap_recovered(
    aps: Sequence[float], students: Sequence[float], teachers: Sequence[float]
) -> list[float]:
    """Give the share of the way from student to teacher, one a seed.

    Args:
        aps (Sequence[float]): AP of the distilled student, one a seed.
        students (Sequence[float]): AP of the student alone.
        teachers (Sequence[float]): AP of the teacher.

    Returns:
        list[float]: The shares; empty unless the teacher is better in all seeds.
    """
    pairs = list(zip(students, teachers, strict=True))
    if any(teacher <= student for student, teacher in pairs):
        return []
    return [
        (ap - student) / (teacher - student)
        for ap, (student, teacher) in zip(aps, pairs, strict=True)
    ]


def statistics(values: Sequence[float]) -> dict:
    """Give the values with ``mean`` and ``std``, the sample standard deviation.

    Mean and spread are None where there are too few values for them.
    """
    return dict(
        values=list(values),
        mean=mean(values) if values else None,
        std=stdev(values) if len(values) > 1 else None,
    )


def cell(statistics: dict, write: Callable[[float], str]) -> str:
    """Write mean and spread; "-" where there is none.

    Args:
        statistics (dict): See :func:`statistics`.
        write (Callable): Writes a number.
    """
    if statistics['mean'] is None:
        return '-'
    text = write(statistics['mean'])
    spread = statistics['std']
    # The spread has no sign.
    return text if spread is None else f'{text} ± {write(spread).lstrip("+")}'


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table, its header first; numbers are flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    # The first column is flush left.
    rule = ['-' * widths[0], *('-' * (width - 1) + ':' for width in widths[1:])]
    lines = [
        [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]
        for row in (rows[0], rule, *rows[1:])
    ]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
