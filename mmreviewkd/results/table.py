"""The table of a job, in Markdown and CSV, and its results as data."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmreviewkd.files import write_text
from mmreviewkd.names import clock, counted
from mmreviewkd.tables import markdown

from .class_table import class_table
from .file import write_results
from .intervals import Interval
from .kinds import KINDS
from .results import MIN_GAP, OVER_DISTILLED, Results, Statistics

_LEAST_GAP = counted(MIN_GAP, 'point')
MOST_CLASSES = 20
"""With more classes their table is in a file of its own."""
Write = Callable[[float], str]

_COST_FORMATS: dict[str, Write] = {
    'ms per step': '{:.0f}'.format,
    'training time': clock,
    'parameters': lambda number: f'{number / 1e6:.2f} M',
    'GFLOPs': '{:.2f}'.format,
    'latency (ms)': '{:.1f}'.format,
    'GPU memory (MB)': '{:.0f}'.format,
}


def write_tables(
    results: Results, work_dir: Path, about: dict[str, Any] | None = None
) -> None:
    """Write ``table.md``, ``table.csv``, ``results.json``, and ``classes.md``.

    Args:
        results (Results): The results.
        work_dir (Path): The folder to write to.
        about (dict, optional): Goes to ``results.json``, see :func:`about_job`.
            Defaults to None.
    """
    write_text(work_dir / 'table.md', table(results))
    write_text(work_dir / 'table.csv', _csv(results))
    write_results(results, work_dir / 'results.json', about or {})
    by_class = class_table(results)
    if by_class:
        write_text(work_dir / 'classes.md', by_class)


def table(results: Results) -> str:
    """Write tables of accuracy, costs and classes in Markdown, with notes below."""
    parts = ['**Quick run: numbers mean nothing.**\n'] if results.quick else []
    parts += [_accuracy_table(results, kind) for kind in results.kinds]
    parts += [_unlabeled_table(results)] if results.unlabeled else []
    parts += [f'{text}\n' for text in weak_teachers(results)]
    costs = _cost_table(results)
    if costs:
        parts.append(costs)
    by_class = class_table(results)
    number = len(results.class_names)
    if by_class and number > MOST_CLASSES:
        parts.append(f'The AP of each of the {number} classes is in classes.md.\n')
    elif by_class:
        parts.append(by_class)
    missing = [
        f'{name} (seed {", ".join(map(str, seeds))})'
        for name, seeds in results.missing.items()
        if seeds
    ]
    if missing:
        parts.append(f'Not finished: {", ".join(missing)}.\n')
    return '\n'.join([*parts, _notes(results)])


def weak_teachers(results: Results) -> list[str]:
    """Say of which kinds of scores the teacher is too weak for a gap to be told.

    Of a quick run nothing is said, as its numbers mean nothing.
    """
    if results.quick:
        return []
    given = any(run.get('checkpoint') for run in results.finished['teacher'].values())
    longer = 'on the data (--train-teacher)' if given else 'longer (--teacher-epochs)'
    texts = []
    for kind in results.kinds:
        title = KINDS[kind].title
        gaps = [
            f'{gap.teacher:.1f} and {gap.student:.1f} with seed {gap.seed}'
            for gap in results.small_gaps(kind)
        ]
        if gaps:
            texts.append(
                'The teacher is not better than the student alone by at least '
                f'{_LEAST_GAP} of {title} ({", ".join(gaps)}), so the table has no gap '
                f'recovered; train it {longer}, or take a better one.'
            )
        elif results.gap_is_noise(kind):
            low, high = results.gap_interval(kind) or (0.0, 0.0)
            texts.append(
                f'The gap of {title} between teacher and student alone is not clear '
                f'(95 %: {low:+.1f} to {high:+.1f}), so the table has no gap '
                f'recovered; add seeds (--seeds), or train the teacher {longer}.'
            )
    return texts


def write_interval(interval: Interval | None, write: Write) -> str:
    """Write an interval, such as ``[+0.4, +2.1]``, with a space before it.

    Returns:
        str: Nothing where there is none.
    """
    if interval is None:
        return ''
    return f' [{write(interval.low)}, {write(interval.high)}]'


def _accuracy_table(results: Results, kind: str) -> str:
    numbers = results.numbers()
    columns = [
        key
        for key in (f'{kind} {column}' for column in KINDS[kind].columns)
        # Such as no large objects in the data.
        if key == KINDS[kind].title or any(row[key].values for row in numbers.values())
    ]
    by_seed = any(len(row[f'{kind} gain'].values) > 1 for row in numbers.values())
    header = ['', *columns, f'{kind} gain', 'vs. student alone']
    header += [f'{kind} gap recovered', 'seeds']
    rows = [header + ['gain, seed by seed'] * by_seed]
    for name, row in numbers.items():
        gain, share = row[f'{kind} gain'], row[f'{kind} gap recovered']
        cells = [_title(name)]
        cells += [_spread(row[key], '{:.1f}'.format) for key in columns]
        cells += [
            _with_interval(gain, '{:+.1f}'.format),
            results.verdict(name, kind) if name in results.methods else '-',
            _with_interval(share, '{:.0%}'.format),
            str(len(results.finished[name])),
        ]
        if by_seed:
            cells.append(', '.join(f'{value:+.1f}' for value in gain.values) or '-')
        rows.append(cells)
    return markdown(rows) + '\n'


def _unlabeled_table(results: Results) -> str:
    """Write what the unlabelled images bring, seed by seed."""
    rows = [['with unlabelled images', OVER_DISTILLED, 'vs. distilled', 'seed by seed']]
    for kind in results.kinds:
        for name in results.unlabeled:
            gain = results.numbers_of(name)[f'{kind} {OVER_DISTILLED}']
            rows.append(
                [
                    f'{name}, {KINDS[kind].title}',
                    _with_interval(gain, '{:+.1f}'.format),
                    results.verdict(name, kind, OVER_DISTILLED),
                    ', '.join(f'{value:+.1f}' for value in gain.values) or '-',
                ]
            )
    return markdown(rows) + '\n'


def _cost_table(results: Results) -> str:
    numbers = results.numbers()
    columns = {
        name: write
        for name, write in _COST_FORMATS.items()
        if any(row[name].values for row in numbers.values())
    }
    if not columns:
        return ''
    rows = [['', *columns, 'seeds']]
    for name, row in numbers.items():
        cells = [_spread(row[key], write) for key, write in columns.items()]
        rows.append([_title(name), *cells, str(len(results.finished[name]))])
    return markdown(rows) + '\n'


def _title(name: str) -> str:
    return 'student alone' if name == 'student' else name


def _spread(found: Statistics, write: Write) -> str:
    """Write mean and standard deviation; "-" where there is none."""
    if found.mean is None:
        return '-'
    text = write(found.mean)
    # Such as the number of parameters.
    same = min(found.values) == max(found.values) and isinstance(found.values[0], int)
    return text if found.std is None or same else f'{text} ± {write(found.std)}'


def _with_interval(found: Statistics, write: Write) -> str:
    """Write a mean and its interval; "-" where there is no mean."""
    if found.mean is None:
        return '-'
    if found.interval is None and len(found.values) > 1:
        return f'{write(found.mean)} (no interval)'
    return write(found.mean) + write_interval(found.interval, write)


def _notes(results: Results) -> str:
    seeds = results.seeds
    over = ', '.join(map(str, seeds))
    notes = [
        f'{KINDS[results.kinds[0]].meaning}, on the validation images after the last '
        'epoch; no epoch was chosen by it. Gain is over the student alone with the '
        'same seed. Gap recovered is mean gain / mean (teacher - student alone), told '
        f'where the teacher is better by at least {_LEAST_GAP} with every seed, and '
        'by more than noise.'
    ]
    if len(seeds) > 1:
        notes.append(
            f'Over {len(seeds)} seeds ({over}): mean ± sample standard deviation; in '
            "brackets 95 % confidence intervals, Student's t for gains, Fieller's for "
            'shares. "ahead" and "behind": the interval of the gain excludes 0. Each '
            'interval holds for itself: about one of 20 misses the true value.'
        )
        if results.one_teacher:
            notes.append('All hold for this one teacher.')
    elif seeds:
        notes.append(f'One seed ({over}): no interval, so no method is ahead.')
    notes += _second_opinions(results)
    notes += _image_notes(results)
    if any(results.values(name)['ms per step'] for name in results.finished):
        notes.append(
            'Times include the effect of other work on the machine; the time of a step '
            'is the median over a run.'
        )
    if results.input_sizes:
        sizes = ' or '.join(f'{w} x {h}' for w, h in results.input_sizes)
        notes.append(
            'Latency is the median over single validation images, without loading '
            'them; GFLOPs are for one of them, a multiplication and its addition '
            f'counted as one ({sizes} pixels).'
        )
    return '\n'.join(notes) + '\n'


def _second_opinions(results: Results) -> list[str]:
    """Say where the bootstrap over seeds finds another sign than Student's t."""
    notes = []
    for kind in results.kinds:
        for name in results.methods:
            gain = results.numbers_of(name)[f'{kind} gain']
            if gain.interval is None or gain.bootstrap is None:
                continue
            if gain.interval.excludes_zero != gain.bootstrap.excludes_zero:
                text = write_interval(gain.bootstrap, '{:+.1f}'.format)
                notes.append(
                    f'{name}, {kind}: the bootstrap over seeds disagrees:{text}.'
                )
    return notes


def _image_notes(results: Results) -> list[str]:
    """Say, in one sentence, what other validation images would change."""
    parts = []
    for kind, noise in results.noise.items():
        text = f'{KINDS[kind].title} of the student alone'
        text += write_interval(noise.aps['student'], '{:.1f}'.format)
        if noise.gains:
            # The others are in results.json.
            widest = max(noise.gains, key=lambda name: noise.gains[name].width)
            interval = write_interval(noise.gains[widest], '{:+.1f}'.format)
            which = ', the widest of all' if len(noise.gains) > 1 else ''
            text += f', gain of {widest}{interval}{which}'
        parts.append(text)
    if not parts:
        return []
    noise = next(iter(results.noise.values()))
    return [
        'Other validation images would give, by resampling the '
        f'{counted(noise.images, "image")} {noise.resamples} times, with the same '
        f'trained models, in 95 of 100 cases: {"; ".join(parts)}.'
    ]


def _csv(results: Results) -> str:
    """Write mean, spread, interval and the values of all seeds, a line a row."""
    seeds = sorted({seed for runs in results.finished.values() for seed in runs})
    lines = []
    for name, row in results.numbers().items():
        line: dict[str, str | float | None] = {'name': name}
        line['seeds'] = len(results.finished[name])
        for key, values in results.values(name).items():
            found = row[key]
            line |= {f'{key} mean': found.mean, f'{key} std': found.std}
            if key.endswith(('gain', 'gap recovered', OVER_DISTILLED)):
                low, high = found.interval or (None, None)
                line |= {f'{key} low': low, f'{key} high': high}
            line |= {f'{key} seed {seed}': values.get(seed) for seed in seeds}
        lines.append(
            {k: round(v, 4) if isinstance(v, float) else v for k, v in line.items()}
        )
    text = io.StringIO()
    writer = csv.DictWriter(text, lines[0], lineterminator='\n')
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
