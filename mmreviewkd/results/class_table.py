"""The AP of each class, in Markdown."""

from collections.abc import Mapping
from statistics import mean

from mmreviewkd.names import printable
from mmreviewkd.tables import markdown

from .intervals import t_interval
from .results import Results

MOST_METHODS = 4
"""More columns would not be read."""


def class_table(results: Results) -> str:
    """Write a table for each kind of AP: a row a class, a column a detector.

    Of the methods the best are shown, each with its gain over the student alone and,
    with several seeds, Student's 95 % interval of it.

    Args:
        results (Results): The results.

    Returns:
        str: The tables; nothing where no run knows the AP of its classes, or there is
        one class, whose AP is that of the whole.
    """
    if len(results.class_names) == 1:
        return ''
    parts = []
    methods = results.best(MOST_METHODS)
    for kind in results.kinds:
        found = {
            name: results.class_aps(name, kind)
            for name in ('teacher', 'student', *methods)
        }
        if not any(found.values()):
            continue
        rows = [[f'{kind} AP by class', 'teacher', 'student alone', *methods]]
        for label in results.class_names:
            alone = found['student'].get(label, {})
            cells = [printable(label), _mean(found['teacher'].get(label, {}))]
            cells.append(_mean(alone))
            for name in methods:
                aps = found[name].get(label, {})
                cells.append(_mean(aps) + _gain(aps, alone))
            rows.append(cells)
        parts.append(markdown(rows) + '\n')
    return '\n'.join(parts)


def _mean(aps: Mapping[int, float]) -> str:
    return f'{mean(aps.values()):.1f}' if aps else '-'


def _gain(aps: Mapping[int, float], alone: Mapping[int, float]) -> str:
    gains = [ap - alone[seed] for seed, ap in aps.items() if seed in alone]
    if not gains:
        return ''
    interval = t_interval(gains)
    if interval is None:
        return f' ({mean(gains):+.1f})'
    return f' ({mean(gains):+.1f} [{interval.low:+.1f}, {interval.high:+.1f}])'
