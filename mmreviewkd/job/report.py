"""The table at the end: what the finished runs of a job have reached."""

from collections.abc import Callable
from pathlib import Path

from mmreviewkd.files import write_json, write_text

from .plan import CONTROLS, MAIN
from .progress import clock
from .runs import read_result
from .tables import (
    KINDS,
    average_precision,
    cell,
    gap_recovered,
    markdown,
    statistics,
)

METRICS = ('AP', 'AP50', 'AP75')

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
            name: {key: statistics(values) for key, values in self._row(name).items()}
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
            cells = [cell(row[key], write) for key, write in columns.items()]
            rows.append([self._title(name), *cells])
        seeds = list(self.results)
        over = ', '.join(map(str, seeds))
        spread = (
            f'Mean ± sample standard deviation over the seeds {over}.'
            if len(seeds) > 1
            else f'One seed ({over}), so nothing is known about the spread.'
        )
        quick = '**Quick run: numbers mean nothing.**\n\n' if self.quick else ''
        return f'{quick}{markdown(rows)}\n\n{_NOTES}{spread}\n'

    def write(self, work_dir: Path) -> None:
        """Write ``table.md`` and ``report.json``."""
        write_text(work_dir / 'table.md', self.table())
        content = dict(quick=self.quick, rows=self.numbers(), seeds=self.results)
        write_json(work_dir / 'report.json', content)

    def _row(self, name: str) -> dict[str, list[float]]:
        seeds = [runs for runs in self.results.values() if name in runs]

        def aps(run: str, kind: str, metric: str = 'AP') -> list[float]:
            return [average_precision(s[run]['final'], kind, metric) for s in seeds]

        row = {
            f'{kind} {metric}': aps(name, kind, metric)
            for kind in self.kinds
            for metric in METRICS
        }
        for kind in self.kinds:
            ap, student, teacher = (aps(r, kind) for r in (name, 'student', 'teacher'))
            row[f'{kind} gap recovered'] = (
                []
                if name in ('teacher', 'student')
                else gap_recovered(ap, student, teacher)
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


def _millions(number: float) -> str:
    return f'{number / 1e6:.2f} M'
