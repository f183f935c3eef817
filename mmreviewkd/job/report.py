"""The table of a job, in Markdown, CSV and JSON."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

from mmreviewkd.files import write_json, write_text
from mmreviewkd.tables import markdown

from .progress import clock
from .results import METRICS, MIN_GAP, Results

_COST_FORMATS: dict[str, Callable[[float], str]] = {
    'ms per step': '{:.0f}'.format,
    'training time': clock,
    'parameters': lambda number: f'{number / 1e6:.2f} M',
    'GPU memory (MB)': '{:.0f}'.format,
}
_NOTES = f"""\
AP is COCO mAP in points on the validation images after the last epoch; no epoch was
chosen by it. Gain is over the student alone with the same seed. Gap recovered is gain /
(teacher - student alone), told where the teacher is better by at least {MIN_GAP:g} AP
with every seed. Time per step is the median over a run; it holds for the machine as it
was then, other work on it included.
"""


def write_report(results: Results, work_dir: Path) -> None:
    """Write ``table.md``, ``table.csv`` and ``report.json``."""
    write_text(work_dir / 'table.md', table(results))
    write_text(work_dir / 'table.csv', _csv(results))
    seeds = {
        seed: {
            name: runs[seed] for name, runs in results.finished.items() if seed in runs
        }
        for seed in sorted({s for runs in results.finished.values() for s in runs})
    }
    content = dict(quick=results.quick, rows=results.numbers(), seeds=seeds)
    write_json(work_dir / 'report.json', content)


def table(results: Results) -> str:
    """Write a table for each kind of AP in Markdown, with notes below."""
    numbers = results.numbers()
    parts = ['**Quick run: numbers mean nothing.**\n'] if results.quick else []
    parts += [_table(results, kind, numbers) for kind in results.kinds]
    parts += [f'{text}\n' for text in weak_teachers(results)]
    missing = [
        f'{name} (seed {", ".join(map(str, seeds))})'
        for name, seeds in results.missing.items()
        if seeds
    ]
    if missing:
        parts.append(f'Not finished: {", ".join(missing)}.\n')
    return '\n'.join([*parts, _NOTES + _spread(results.seeds)])


def weak_teachers(results: Results) -> list[str]:
    """Say of which kinds of AP the teacher is too weak for a gap to be told."""
    texts = []
    for kind in results.kinds:
        gaps = [
            f'{gap.teacher:.1f} and {gap.student:.1f} with seed {gap.seed}'
            for gap in results.small_gaps(kind)
        ]
        if gaps:
            texts.append(
                'The teacher is not better than the student alone by at least '
                f'{MIN_GAP:g} {kind} AP ({", ".join(gaps)}), so no gap recovered is '
                'told; train it longer (--teacher-epochs), or take a larger one.'
            )
    return texts


def _spread(seeds: list[int]) -> str:
    over = ', '.join(map(str, seeds))
    if len(seeds) > 1:
        return f'Mean ± sample standard deviation over the seeds {over}.\n'
    return f'One seed ({over}): nothing is known of the spread.\n' if seeds else ''


def _table(results: Results, kind: str, numbers: dict[str, dict[str, dict]]) -> str:
    columns: dict[str, Callable[[float], str]] = {
        f'{kind} {metric}': '{:.1f}'.format for metric in METRICS
    }
    columns |= {
        f'{kind} gain': '{:+.1f}'.format,
        f'{kind} gap recovered': '{:.0%}'.format,
    }
    columns |= {
        name: write
        for name, write in _COST_FORMATS.items()
        if any(row[name]['values'] for row in numbers.values())
    }
    header = ['', *columns, 'seeds']
    by_seed = any(len(row[f'{kind} gain']['values']) > 1 for row in numbers.values())
    if by_seed:
        header.append('gain, seed by seed')
    rows = [header]
    for name, row in numbers.items():
        cells = [_cell(row[key], write) for key, write in columns.items()]
        title = 'student alone' if name == 'student' else name
        cells = [title, *cells, str(len(results.finished[name]))]
        if by_seed:
            gains = [f'{gain:+.1f}' for gain in row[f'{kind} gain']['values']]
            cells.append(', '.join(gains) or '-')
        rows.append(cells)
    return markdown(rows) + '\n'


def _cell(statistics: dict, write: Callable[[float], str]) -> str:
    """Write mean and spread; "-" where there is none."""
    if statistics['mean'] is None:
        return '-'
    values = statistics['values']
    text = write(statistics['mean'])
    # Such as the number of parameters; the spread has no sign.
    same = min(values) == max(values) and isinstance(values[0], int)
    spread = None if same else statistics['std']
    return text if spread is None else f'{text} ± {write(spread).lstrip("+")}'


def _csv(results: Results) -> str:
    """Write mean, spread and the values of all seeds, a line a row."""
    seeds = sorted({seed for runs in results.finished.values() for seed in runs})
    lines = []
    for name, row in results.numbers().items():
        line: dict[str, str | float | None] = {'name': name}
        line['seeds'] = len(results.finished[name])
        for key, values in results.values(name).items():
            line |= {f'{key} {part}': row[key][part] for part in ('mean', 'std')}
            line |= {f'{key} seed {seed}': values.get(seed) for seed in seeds}
        lines.append(
            {k: round(v, 4) if isinstance(v, float) else v for k, v in line.items()}
        )
    text = io.StringIO()
    writer = csv.DictWriter(text, lines[0], lineterminator='\n')
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
