"""The table at the end: what the finished runs of a job have reached."""

from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev

from mmreviewkd.files import write_json, write_text

from .plan import CONTROLS, MAIN
from .progress import clock
from .runs import read_result

KINDS = dict(box='bbox', mask='segm')
METRICS = {'AP': 'mAP', 'AP50': 'mAP_50', 'AP75': 'mAP_75'}

_NOTES = """\
AP is COCO mAP in points on the validation images after the last epoch; no epoch was
chosen by it. Gap recovered is (distilled - student) / (teacher - student); "-" where
the teacher is not better than the student.
"""


def read_results(work_dir: Path) -> dict[int, dict[str, dict]]:
    """Read the results of all seeds that have the three main runs finished.

    Returns:
        dict: For each seed, in ascending order, the results by run.
    """
    seeds = {}
    for folder in work_dir.glob('seed_*'):
        results = {name: read_result(folder / name) for name in MAIN + CONTROLS}
        if all(results[name] for name in MAIN):
            seed = results['student']['seed']
            seeds[seed] = {name: result for name, result in results.items() if result}
    return dict(sorted(seeds.items()))


def average_precision(metrics: dict, kind: str, metric: str = 'AP') -> float:
    """Give an AP in points of 100.

    Args:
        metrics (dict): What CocoMetric has returned.
        kind (str): ``'box'`` or ``'mask'``.
        metric (str): ``'AP'``, ``'AP50'`` or ``'AP75'``. Defaults to ``'AP'``.
    """
    # CocoMetric returns nothing where a detector detects nothing.
    return 100 * metrics.get(f'coco/{KINDS[kind]}_{METRICS[metric]}', 0.0)


class Report:
    """Numbers and table of a job.

    Args:
        results (dict[int, dict[str, dict]]): Results by seed and run; every
            seed has the three main runs.
        has_masks (bool): Whether there is a mask AP.
        quick (bool): Whether the runs only show that all works.
            Defaults to False.
    """

    def __init__(
        self,
        results: dict[int, dict[str, dict]],
        has_masks: bool,
        quick: bool = False,
    ) -> None:
        self.results = results
        self.kinds = tuple(KINDS) if has_masks else ('box',)
        self.quick = quick

    def numbers(self) -> dict[str, dict[str, dict]]:
        """Give what the table shows.

        Returns:
            dict: For each run and column ``values``, one a seed, ``mean`` and
            ``std``, the sample standard deviation. Mean and spread are None
            where there are too few values for them.
        """
        names = [
            name
            for name in MAIN + CONTROLS
            if any(name in runs for runs in self.results.values())
        ]
        return {
            name: {key: _statistics(values) for key, values in self._row(name).items()}
            for name in names
        }

    def table(self) -> str:
        """Write the table in Markdown, with notes below."""
        columns: dict[str, Callable[[float], str]] = {}
        for kind in self.kinds:
            columns |= {f'{kind} {metric}': '{:.1f}'.format for metric in METRICS}
        for kind in self.kinds:
            columns[f'{kind} gap recovered'] = '{:.0%}'.format
        columns['parameters'] = _millions
        columns['training time'] = clock
        rows = [['', *columns]]
        for name, row in self.numbers().items():
            cells = [_cell(row[key], write) for key, write in columns.items()]
            rows.append([self._title(name), *cells])
        seeds = list(self.results)
        over = ', '.join(map(str, seeds))
        spread = (
            f'Mean ± sample standard deviation over the seeds {over}.'
            if len(seeds) > 1
            else f'One seed ({over}), so nothing is known about the spread.'
        )
        quick = '**Quick run: numbers mean nothing.**\n\n' if self.quick else ''
        return f'{quick}{_markdown(rows)}\n\n{_NOTES}{spread}\n'

    def write(self, work_dir: Path) -> None:
        """Write ``table.md`` and ``report.json``."""
        write_text(work_dir / 'table.md', self.table())
        content = dict(quick=self.quick, rows=self.numbers(), seeds=self.results)
        write_json(work_dir / 'report.json', content)

    def _row(self, name: str) -> dict[str, list[float]]:
        seeds = [runs for runs in self.results.values() if name in runs]
        row = {
            f'{kind} {metric}': [
                average_precision(runs[name]['final'], kind, metric) for runs in seeds
            ]
            for kind in self.kinds
            for metric in METRICS
        }
        for kind in self.kinds:
            row[f'{kind} gap recovered'] = (
                []
                if name in ('teacher', 'student')
                else _gap_recovered(seeds, name, kind)
            )
        row['parameters'] = [seeds[0][name]['parameters']]
        row['training time'] = [runs[name]['training_seconds'] for runs in seeds]
        return row

    def _title(self, name: str) -> str:
        title = name.replace('_', ' ')
        seeds = [str(seed) for seed, runs in self.results.items() if name in runs]
        if len(seeds) < len(self.results):
            title += f' (seed {", ".join(seeds)})'
        return title


def _gap_recovered(seeds: list[dict[str, dict]], name: str, kind: str) -> list[float]:
    """Give one share a seed; nothing unless the teacher is better in all seeds."""
    shares = []
    for runs in seeds:
        ap, student, teacher = (
            average_precision(runs[run]['final'], kind)
            for run in (name, 'student', 'teacher')
        )
        if teacher <= student:
            return []
        shares.append((ap - student) / (teacher - student))
    return shares


def _statistics(values: list[float]) -> dict:
    return dict(
        values=values,
        mean=mean(values) if values else None,
        std=stdev(values) if len(values) > 1 else None,
    )


def _cell(statistics: dict, write: Callable[[float], str]) -> str:
    if statistics['mean'] is None:
        return '-'
    text = write(statistics['mean'])
    spread = statistics['std']
    return text if spread is None else f'{text} ± {write(spread)}'


def _millions(number: float) -> str:
    return f'{number / 1e6:.2f} M'


def _markdown(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    # The first column is flush left, the numbers are flush right.
    rule = ['-' * widths[0], *('-' * (width - 1) + ':' for width in widths[1:])]
    lines = [
        [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]
        for row in (rows[0], rule, *rows[1:])
    ]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
