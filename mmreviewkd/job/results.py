"""What the runs of a job have reached: AP, gains, and what they cost."""

from collections.abc import Sequence
from statistics import mean, stdev
from typing import NamedTuple

from .plan import Run
from .runs import read_result

KINDS = dict(box='bbox', mask='segm')
METRICS = {
    'AP': 'mAP',
    'AP50': 'mAP_50',
    'AP75': 'mAP_75',
    'APs': 'mAP_s',
    'APm': 'mAP_m',
    'APl': 'mAP_l',
}
COSTS = ('ms per step', 'training time', 'parameters', 'GPU memory (MB)')
MIN_GAP = 1.0
"""AP by which a teacher has to be better for its gap to the student to be told."""


class Gap(NamedTuple):
    """AP of the student alone and of its teacher."""

    seed: int
    student: float
    teacher: float


class Results:
    """The results of a job's runs.

    Args:
        runs (dict[str, dict[int, dict | None]]): Result by run and seed, None where
            a run is not finished; ``'teacher'``, ``'student'``, and the methods.
        has_masks (bool): Whether there is a mask AP.
        one_teacher (bool): Whether all students have the same teacher. Defaults to
            False: one of their own seed.
        quick (bool): Whether the runs only show that all works. Defaults to False.

    Attributes:
        kinds (tuple[str]): ``'box'``, and ``'mask'`` where there are masks.
        methods (list[str]): Names of the methods.
        finished (dict[str, dict[int, dict]]): Result by run and seed.
        missing (dict[str, list[int]]): Seeds that are not finished, by run.
    """

    def __init__(
        self,
        runs: dict[str, dict[int, dict | None]],
        has_masks: bool,
        one_teacher: bool = False,
        quick: bool = False,
    ) -> None:
        self.kinds = tuple(KINDS) if has_masks else ('box',)
        self.quick = quick
        self.methods = [name for name in runs if name not in ('teacher', 'student')]
        self.finished = {
            name: {seed: result for seed, result in sorted(seeds.items()) if result}
            for name, seeds in runs.items()
        }
        self.missing = {
            name: sorted(seed for seed, result in seeds.items() if not result)
            for name, seeds in runs.items()
        }
        self._one_teacher = one_teacher

    @property
    def seeds(self) -> list[int]:
        """list[int]: Seeds of which a student is finished."""
        students = [self.finished[name] for name in ('student', *self.methods)]
        return sorted({seed for seeds in students for seed in seeds})

    def aps(self, name: str, kind: str, metric: str = 'AP') -> dict[int, float]:
        """Give the AP after the last epoch, in points of 100, by seed.

        Seeds are left out where there are no objects of that size.
        """
        found = {
            seed: average_precision(result['final'], kind, metric)
            for seed, result in self.finished[name].items()
        }
        return {seed: ap for seed, ap in found.items() if ap is not None}

    def gaps(self, kind: str) -> list[Gap]:
        """Give the AP of each student alone beside its teacher's."""
        teachers = self.aps('teacher', kind)
        if self._one_teacher and teachers:
            teachers = dict.fromkeys(self.seeds, *teachers.values())
        students = self.aps('student', kind)
        return [
            Gap(seed, student, teachers[seed])
            for seed, student in students.items()
            if seed in teachers
        ]

    def small_gaps(self, kind: str) -> list[Gap]:
        """Give those where the teacher is not better by :data:`MIN_GAP`."""
        return [g for g in self.gaps(kind) if g.teacher - g.student < MIN_GAP]

    def values(self, name: str) -> dict[str, dict[int, float]]:
        """Give all that is known of a row, by column and seed.

        Args:
            name (str): ``'teacher'``, ``'student'`` or a method.
        """
        columns: dict[str, dict[int, float]] = {}
        for kind in self.kinds:
            for metric in METRICS:
                columns[f'{kind} {metric}'] = self.aps(name, kind, metric)
            columns |= {f'{kind} gain': {}, f'{kind} gap recovered': {}}
            if name in self.methods:
                columns |= self._gains(name, kind)
        return columns | self._costs(name)

    def numbers(self) -> dict[str, dict[str, dict]]:
        """Give ``values``, one a seed, ``mean`` and ``std`` for each row and column.

        The spread is the sample standard deviation. Mean and spread are None where
        there are too few values for them.
        """
        return {
            name: {
                key: _statistics(list(values.values()))
                for key, values in self.values(name).items()
            }
            for name in self.finished
        }

    def best(self, number: int) -> list[str]:
        """Choose the methods with the highest box AP, in the order of the runs."""
        means = {
            name: mean(aps.values())
            for name in self.methods
            if (aps := self.aps(name, 'box'))
        }
        best = sorted(means, key=lambda name: -means[name])[:number]
        return [name for name in self.methods if name in best]

    def _gains(self, name: str, kind: str) -> dict[str, dict[int, float]]:
        aps, alone = self.aps(name, kind), self.aps('student', kind)
        gains = {seed: aps[seed] - alone[seed] for seed in aps if seed in alone}
        # A share of next to nothing says nothing.
        told = [] if self.small_gaps(kind) else self.gaps(kind)
        shares = {
            gap.seed: gains[gap.seed] / (gap.teacher - gap.student)
            for gap in told
            if gap.seed in gains
        }
        return {f'{kind} gain': gains, f'{kind} gap recovered': shares}

    def _costs(self, name: str) -> dict[str, dict[int, float]]:
        fields = ('step_seconds', 'training_seconds', 'parameters', 'peak_memory')
        factors = (1e3, 1, 1, 1e-6)
        return {
            column: {
                seed: factor * result[field]
                for seed, result in self.finished[name].items()
                # No memory without a GPU.
                if result.get(field)
            }
            for column, field, factor in zip(COSTS, fields, factors, strict=True)
        }


def read_results(
    runs: Sequence[Run],
    has_masks: bool,
    one_teacher: bool = False,
    quick: bool = False,
) -> Results:
    """Read the results of those runs that are finished.

    Args:
        runs (Sequence[Run]): The runs of a job, finished or not. Those of the same
            names that were done with other seeds before count too.
        has_masks (bool): Whether there is a mask AP.
        one_teacher (bool): Whether all students have the same teacher. Defaults to
            False.
        quick (bool): Whether the runs only show that all works. Defaults to False.
    """
    # A teacher that cannot be measured on the data has no run.
    results: dict[str, dict[int, dict | None]] = dict(teacher={})
    for run in runs:
        results.setdefault(run.name, {})[run.seed] = read_result(run.folder)
    for run in runs:
        if run.name == 'teacher' and one_teacher:
            continue
        for folder in run.folder.parent.parent.glob(f'seed_*/{run.name}'):
            result = read_result(folder)
            if result:
                results[run.name][result['seed']] = result
    return Results(results, has_masks, one_teacher, quick)


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


def _statistics(values: Sequence[float]) -> dict:
    return dict(
        values=list(values),
        mean=mean(values) if values else None,
        std=stdev(values) if len(values) > 1 else None,
    )
