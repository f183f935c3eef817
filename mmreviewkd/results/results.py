"""What the runs of a job have reached: scores, gains, and what they cost."""

from collections.abc import Sequence
from statistics import mean, stdev
from typing import NamedTuple

from .image_noise import ImageNoise, image_noise
from .intervals import Interval, bootstrap_interval, fieller_interval, t_interval
from .kinds import KINDS

COSTS = {
    'ms per step': ('step_seconds', 1e3),
    'training time': ('training_seconds', 1),
    'parameters': ('parameters', 1),
    'GFLOPs': ('gflops', 1),
    'latency (ms)': ('latency_ms', 1),
    'GPU memory (MB)': ('peak_memory', 1e-6),
}
"""Columns, with the field of a run's result and its factor."""
ROUNDING_STD = 0.04
"""Standard deviation of a difference of two AP that are rounded to 0.1, as
MMDetection's are: 0.1 · sqrt(2 / 12). Seeds that agree agree no better than that."""
DISTILLED = 'distilled'
"""Name of the runs that distil as configured."""
WITH_UNLABELED = ('distilled_unlabeled', 'distilled_pseudo')
"""Names of those that differ from it in unlabelled images alone."""
OVER_DISTILLED = f'gain over {DISTILLED}'
"""Column of what unlabelled images bring, after the kind of score."""
MIN_GAP = 1
"""Points by which a teacher has to be better for its gap to the student to be told."""


class Gap(NamedTuple):
    """Scores of the student alone and of its teacher."""

    seed: int
    student: float
    teacher: float


class Statistics(NamedTuple):
    """What is known of a number.

    Args:
        values (list[float]): One a seed.
        mean (float, optional): Their mean; of shares, the ratio of the means.
        std (float, optional): Their sample standard deviation.
        interval (Interval, optional): Of the mean, with 95 % confidence, over seeds.
        bootstrap (Interval, optional): The same by resampling, where seeds are many.
    """

    values: list[float]
    mean: float | None
    std: float | None
    interval: Interval | None = None
    bootstrap: Interval | None = None


class Results:
    """The results of a job's runs.

    Args:
        runs (dict[str, dict[int, dict | None]]): Result by run and seed, None where
            a run is not finished; ``'teacher'``, ``'student'``, and the methods.
        kinds (Sequence[str]): The kinds of scores, of :data:`KINDS`. Defaults to
            ``'box'`` alone.
        one_teacher (bool): Whether all students have the same teacher. Defaults to
            False: one of their own seed.
        quick (bool): Whether the runs only show that all works. Defaults to False.
        noise (dict[str, ImageNoise], optional): What other validation images would
            change, by kind. Defaults to None: computed from the runs, as far as their
            results have ``resampled``, the AP on resampled images.

    Attributes:
        kinds (tuple[str]): The kinds of scores.
        methods (list[str]): Names of the methods.
        one_teacher (bool): Whether all students have the same teacher.
        finished (dict[str, dict[int, dict]]): Result by run and seed.
        unlabeled (list[str]): The methods that differ from ``'distilled'`` in
            unlabelled images alone.
        noise (dict[str, ImageNoise]): What other validation images would change.
        missing (dict[str, list[int]]): Seeds that are not finished, by run.
    """

    def __init__(
        self,
        runs: dict[str, dict[int, dict | None]],
        kinds: Sequence[str] = ('box',),
        one_teacher: bool = False,
        quick: bool = False,
        noise: dict[str, ImageNoise] | None = None,
    ) -> None:
        self.kinds = tuple(kinds)
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
        self.one_teacher = one_teacher
        self.unlabeled = [name for name in WITH_UNLABELED if name in self.finished]
        self.noise = self._compute_noise() if noise is None else noise

    @property
    def seeds(self) -> list[int]:
        """list[int]: Seeds of which a student is finished."""
        students = [self.finished[name] for name in ('student', *self.methods)]
        return sorted({seed for seeds in students for seed in seeds})

    def scores(
        self, name: str, kind: str, column: str | None = None
    ) -> dict[int, float]:
        """Give the scores after the last epoch, in points of 100, by seed.

        Seeds are left out where there are no objects of that size.

        Args:
            name (str): ``'teacher'``, ``'student'`` or a method.
            kind (str): One of ``kinds``.
            column (str, optional): One of its columns. Defaults to None: the first.
        """
        found = {
            seed: KINDS[kind].score(result['final'], column)
            for seed, result in self.finished[name].items()
        }
        return {seed: score for seed, score in found.items() if score is not None}

    def gaps(self, kind: str) -> list[Gap]:
        """Give the score of each student alone beside its teacher's."""
        teachers = self.scores('teacher', kind)
        if self.one_teacher and teachers:
            teachers = dict.fromkeys(self.seeds, *teachers.values())
        students = self.scores('student', kind)
        return [
            Gap(seed, student, teachers[seed])
            for seed, student in students.items()
            if seed in teachers
        ]

    def small_gaps(self, kind: str) -> list[Gap]:
        """Give those where the teacher is not better by :data:`MIN_GAP`."""
        return [g for g in self.gaps(kind) if g.teacher - g.student < MIN_GAP]

    def gap_interval(self, kind: str) -> Interval | None:
        """Give the interval of the gap between teacher and student alone.

        Over seeds; with one or two, of which Student's intervals say nothing of use,
        over images, as far as that is known.
        """
        gaps = [gap.teacher - gap.student for gap in self.gaps(kind)]
        if len(gaps) > 2:
            return t_interval(gaps, ROUNDING_STD)
        return self.noise[kind].gap if kind in self.noise else None

    def gap_is_noise(self, kind: str) -> bool:
        """Tell whether the teacher may be no better than the student alone."""
        interval = self.gap_interval(kind)
        return interval is not None and interval.low <= 0

    def verdict(self, name: str, kind: str, column: str = 'gain') -> str:
        """Say how a method stands against the student alone.

        Args:
            name (str): The method.
            kind (str): ``'box'`` or ``'mask'``.
            column (str): Another gain, such as :data:`OVER_DISTILLED`. Defaults to
                ``'gain'``.

        Returns:
            str: ``'ahead'`` or ``'behind'`` where the interval of the gain over seeds
            excludes 0, ``'not clear'`` where it does not, ``'one seed, no interval'``
            with one, and ``'-'`` without any.
        """
        gains = self.numbers_of(name)[f'{kind} {column}']
        if gains.interval is None:
            return 'one seed, no interval' if gains.values else '-'
        if not gains.interval.excludes_zero:
            return 'not clear'
        return 'ahead' if gains.interval.low > 0 else 'behind'

    @property
    def input_sizes(self) -> list[tuple[int, int]]:
        """list[tuple[int, int]]: Widths and heights for which GFLOPs were counted."""
        sizes = [
            run['input_size']
            for runs in self.finished.values()
            for run in runs.values()
            if run.get('input_size')
        ]
        return sorted({(width, height) for width, height in sizes})

    @property
    def class_names(self) -> list[str]:
        """list[str]: The classes whose AP is known, in the data's order."""
        found = [
            label
            for runs in self.finished.values()
            for run in runs.values()
            for aps in run.get('class_ap', {}).values()
            for label in aps
        ]
        return list(dict.fromkeys(found))

    def class_aps(self, name: str, kind: str) -> dict[str, dict[int, float]]:
        """Give the AP in points by class and seed; none for a class without objects."""
        aps: dict[str, dict[int, float]] = {}
        for seed, result in self.finished[name].items():
            for label, ap in result.get('class_ap', {}).get(kind, {}).items():
                by_seed = aps.setdefault(label, {})
                if ap is not None:
                    by_seed[seed] = ap
        return aps

    def values(self, name: str) -> dict[str, dict[int, float]]:
        """Give all that is known of a row, by column and seed.

        Args:
            name (str): ``'teacher'``, ``'student'`` or a method.
        """
        columns: dict[str, dict[int, float]] = {}
        for kind in self.kinds:
            for column in KINDS[kind].columns:
                columns[f'{kind} {column}'] = self.scores(name, kind, column)
            columns |= {f'{kind} gain': {}, f'{kind} gap recovered': {}}
            if name in self.methods:
                columns |= self._gains(name, kind)
            if self.unlabeled:
                columns[f'{kind} {OVER_DISTILLED}'] = self._brought(name, kind)
        return columns | self._costs(name)

    def numbers(self) -> dict[str, dict[str, Statistics]]:
        """Give the statistics of each row and column."""
        return {name: self.numbers_of(name) for name in self.finished}

    def numbers_of(self, name: str) -> dict[str, Statistics]:
        """Give the statistics of each column of a row.

        Gains have Student's interval over seeds. Of the gap recovered, the mean is the
        ratio of the mean gain to the mean gap, and the interval is Fieller's.
        """
        columns = self.values(name)
        found = {key: _statistics(list(v.values())) for key, v in columns.items()}
        for kind in self.kinds:
            gains = columns[f'{kind} gain']
            for key in (f'{kind} gain', f'{kind} {OVER_DISTILLED}'):
                if key in columns:
                    values = list(columns[key].values())
                    found[key] = found[key]._replace(
                        interval=t_interval(values, ROUNDING_STD),
                        bootstrap=bootstrap_interval(values),
                    )
            shares = columns[f'{kind} gap recovered']
            if shares:
                gaps = {g.seed: g.teacher - g.student for g in self.gaps(kind)}
                pairs = [(gains[seed], gaps[seed]) for seed in shares]
                of_gain, of_gap = zip(*pairs, strict=True)
                found[f'{kind} gap recovered'] = Statistics(
                    list(shares.values()),
                    mean(of_gain) / mean(of_gap),
                    stdev(shares.values()) if len(shares) > 1 else None,
                    fieller_interval(of_gain, of_gap, ROUNDING_STD),
                )
        return found

    def best(self, number: int) -> list[str]:
        """Choose the methods with the highest scores, in the order of the runs.

        Where there is a box AP and a mask AP, it is the box AP.
        """
        means = {
            name: mean(aps.values())
            for name in self.methods
            if (aps := self.scores(name, self.kinds[0]))
        }
        best = sorted(means, key=lambda name: -means[name])[:number]
        return [name for name in self.methods if name in best]

    def _gains(self, name: str, kind: str) -> dict[str, dict[int, float]]:
        gains = self._over(name, 'student', kind)
        # A share of next to nothing, or of noise, says nothing.
        is_told = not (self.small_gaps(kind) or self.gap_is_noise(kind))
        told = self.gaps(kind) if is_told else []
        shares = {
            gap.seed: gains[gap.seed] / (gap.teacher - gap.student)
            for gap in told
            if gap.seed in gains
        }
        return {f'{kind} gain': gains, f'{kind} gap recovered': shares}

    def _brought(self, name: str, kind: str) -> dict[int, float]:
        """Give what unlabelled images bring, by seed."""
        if name not in self.unlabeled or DISTILLED not in self.finished:
            return {}
        return self._over(name, DISTILLED, kind)

    def _over(self, name: str, other: str, kind: str) -> dict[int, float]:
        """Give the difference of two rows' scores, by seed."""
        ours, theirs = self.scores(name, kind), self.scores(other, kind)
        return {seed: ours[seed] - theirs[seed] for seed in ours if seed in theirs}

    def _costs(self, name: str) -> dict[str, dict[int, float]]:
        return {
            column: {
                seed: factor * result[field]
                for seed, result in self.finished[name].items()
                # No memory without a GPU.
                if result.get(field)
            }
            for column, (field, factor) in COSTS.items()
        }

    def _compute_noise(self) -> dict[str, ImageNoise]:
        noise = {}
        for kind in self.kinds:
            resampled = {
                name: {
                    seed: result['resampled'][kind]
                    for seed, result in results.items()
                    if kind in result.get('resampled', {})
                }
                for name, results in self.finished.items()
            }
            images = [
                result['resampled']['images']
                for result in self.finished['student'].values()
                if 'resampled' in result
            ]
            if images and resampled['student']:
                noise[kind] = image_noise(images[0], resampled, self.one_teacher)
        return noise


def _statistics(values: list[float]) -> Statistics:
    return Statistics(
        values,
        mean(values) if values else None,
        stdev(values) if len(values) > 1 else None,
    )
