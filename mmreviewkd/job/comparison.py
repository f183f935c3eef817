"""The table of a comparison: what each method has reached, and at what cost."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from mmreviewkd.files import write_text

from .plan import Run
from .runs import read_result
from .tables import (
    KINDS,
    METRICS,
    average_precision,
    cell,
    gap_recovered,
    markdown,
    statistics,
)

_NOTES = """\
AP is COCO mAP in points on the validation images after the last epoch; no epoch was
chosen by it. Gain is over the student alone with the same seed. Gap recovered is gain /
(teacher - student alone); "-" where the teacher is not better. Mean ± sample standard
deviation over the seeds. Time per step is the median over a run; it holds for the
machine as it was then, other work on it included.
"""


def read_comparison(runs: Sequence[Run], has_masks: bool) -> 'Comparison':
    """Read the results of those runs that are finished.

    Args:
        runs (Sequence[Run]): The runs of a comparison, finished or not.
        has_masks (bool): Whether there is a mask AP.
    """
    results: dict[str, dict[int, dict | None]] = {}
    for run in runs:
        results.setdefault(run.name, {})[run.seed] = read_result(run.folder)
    return Comparison(results, has_masks)


class Comparison:
    """Numbers, table and CSV file of a comparison.

    Args:
        results (dict[str, dict[int, dict | None]]): Result by run and seed, None where
            a run is not finished; ``'teacher'``, which has one seed, ``'student'``, and
            the methods.
        has_masks (bool): Whether there is a mask AP.

    Attributes:
        kinds (tuple[str]): ``'box'``, and ``'mask'`` where there are masks.
        methods (list[str]): Names of the methods.
    """

    def __init__(
        self, results: dict[str, dict[int, dict | None]], has_masks: bool
    ) -> None:
        self.kinds = tuple(KINDS) if has_masks else ('box',)
        self.methods = [name for name in results if name not in ('teacher', 'student')]
        self._finished = {
            name: {seed: result for seed, result in seeds.items() if result}
            for name, seeds in results.items()
        }
        self._missing = {
            name: [str(seed) for seed, result in seeds.items() if not result]
            for name, seeds in results.items()
        }

    def values(self, name: str) -> dict[str, dict[int, float]]:
        """Give all that is known of a row, by column and seed.

        Args:
            name (str): ``'teacher'``, ``'student'`` or a method.
        """
        runs = self._finished[name]
        columns: dict[str, dict[int, float]] = {}
        for kind in self.kinds:
            for metric in METRICS:
                columns[f'{kind} {metric}'] = self._aps(name, kind, metric)
            columns |= {f'{kind} gain': {}, f'{kind} gap recovered': {}}
            if name in self.methods:
                columns |= self._gains(name, kind)
        columns['ms per step'] = {
            s: 1000 * run['step_seconds'] for s, run in runs.items()
        }
        columns['GPU memory (MB)'] = {
            seed: run['peak_memory'] / 1e6
            for seed, run in runs.items()
            if run['peak_memory']
        }
        return columns

    def numbers(self) -> dict[str, dict[str, dict]]:
        """Give ``values``, ``mean`` and ``std`` for each row and column.

        Mean and spread are None where there are too few values for them.
        """
        return {
            name: {
                key: statistics(list(values.values()))
                for key, values in self.values(name).items()
            }
            for name in self._finished
        }

    def table(self) -> str:
        """Write a table for each kind of AP in Markdown, with notes below."""
        numbers = self.numbers()
        parts = [self._table(kind, numbers) for kind in self.kinds]
        missing = [
            f'{name} (seed {", ".join(seeds)})'
            for name, seeds in self._missing.items()
            if seeds
        ]
        if missing:
            parts.append(f'Not finished: {", ".join(missing)}.\n')
        return '\n'.join([*parts, _NOTES])

    def write(self, work_dir: Path) -> None:
        """Write ``comparison.md`` and ``comparison.csv``."""
        write_text(work_dir / 'comparison.md', self.table())
        write_text(work_dir / 'comparison.csv', self._csv())

    def _aps(self, name: str, kind: str, metric: str = 'AP') -> dict[int, float]:
        aps = {
            seed: average_precision(result['final'], kind, metric)
            for seed, result in self._finished[name].items()
        }
        return {seed: ap for seed, ap in aps.items() if ap is not None}

    def _gains(self, name: str, kind: str) -> dict[str, dict[int, float]]:
        aps, alone = self._aps(name, kind), self._aps('student', kind)
        seeds = [seed for seed in aps if seed in alone]
        gains = [aps[seed] - alone[seed] for seed in seeds]
        teacher = list(self._aps('teacher', kind).values()) * len(seeds)
        shares = gap_recovered(
            [aps[seed] for seed in seeds], [alone[seed] for seed in seeds], teacher
        )
        return {
            f'{kind} gain': dict(zip(seeds, gains, strict=True)),
            # No shares where the teacher is not better.
            f'{kind} gap recovered': dict(zip(seeds, shares, strict=False)),
        }

    def _table(self, kind: str, numbers: dict[str, dict[str, dict]]) -> str:
        columns: dict[str, Callable[[float], str]] = {
            f'{kind} {metric}': '{:.1f}'.format for metric in METRICS
        }
        columns |= {
            f'{kind} gain': '{:+.1f}'.format,
            f'{kind} gap recovered': '{:.0%}'.format,
            'ms per step': '{:.0f}'.format,
            'GPU memory (MB)': '{:.0f}'.format,
        }
        if not any(row['GPU memory (MB)']['values'] for row in numbers.values()):
            del columns['GPU memory (MB)']
        rows = [['', *columns, 'gain, seed by seed', 'seeds']]
        for name, row in numbers.items():
            gains = [f'{gain:+.1f}' for gain in row[f'{kind} gain']['values']]
            rows.append(
                [
                    'student alone' if name == 'student' else name,
                    *(cell(row[key], write) for key, write in columns.items()),
                    ', '.join(gains) or '-',
                    str(len(self._finished[name])),
                ]
            )
        return markdown(rows) + '\n'

    def _csv(self) -> str:
        """Write mean, spread and the values of all seeds, a line a row."""
        seeds = sorted({seed for runs in self._finished.values() for seed in runs})
        lines = []
        for name, row in self.numbers().items():
            line: dict[str, str | float] = {'method': name}
            line['seeds'] = len(self._finished[name])
            for key, values in self.values(name).items():
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
