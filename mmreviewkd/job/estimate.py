"""How much of a job is done, and how long the rest takes."""

from collections.abc import Sequence
from statistics import mean
from typing import NamedTuple

from .plan import Run

# Time of an epoch of each kind of run, and of an evaluation as a share of that, in any
# unit: until they are measured.
_EPOCH = dict(teacher=1.6, student=1.0)
_EPOCH_DISTILLED = 1.4
_EVALUATION = 0.5
# The first steps are slow: so much has to be known of a pace where none is known.
_ENOUGH = 0.2


class _Part(NamedTuple):
    """Training or evaluations of a run."""

    name: str
    what: str


class Estimate:
    """Estimates what share of a job is done and how long the rest takes.

    The share is one of steps, each kind of run with its usual weight: it does not
    depend on what was measured, so a job that is taken up again has the share that its
    checkpoints had. The time left depends on that alone: each run has two parts, its
    epochs and its evaluations, and what is left of a part goes
    at the pace of now: that of a run of the same name, else that of the trial before
    the job, else that of the same kind (teacher, student alone, distilled), else as
    usual beside the kinds that were measured. While the first steps of a run are
    measured, their pace takes over little by little.

    Args:
        runs (Sequence[Run]): The runs.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._names = [run.name for run in runs]
        self._total: list[dict[str, float]] = [
            dict(
                epochs=0 if run.checkpoint else run.config.train_cfg.max_epochs,
                evaluations=count_evaluations(run),
            )
            for run in runs
        ]
        self._done = [dict(epochs=0.0, evaluations=0.0) for _ in runs]
        self._pace: dict[_Part, float] = {}
        self._tried: dict[_Part, float] = {}
        # What was expected before a run was measured.
        self._before: dict[tuple[int, str], float] = {}
        self._share = 0.0

    def expect(
        self, name: str, epoch_seconds: float, evaluation_seconds: float
    ) -> None:
        """Note what the trial tells of the runs of a name, before any is measured.

        Args:
            name (str): The name.
            epoch_seconds (float): Time of an epoch.
            evaluation_seconds (float): Time of an evaluation.
        """
        self._tried[_Part(name, 'epochs')] = epoch_seconds
        self._tried[_Part(name, 'evaluations')] = evaluation_seconds

    def update(
        self, index: int, what: str, done: float, pace: float, trust: float = 1.0
    ) -> None:
        """Note how far a run has come.

        Args:
            index (int): Index of the run.
            what (str): ``'epochs'`` or ``'evaluations'``.
            done (float): How many of them are done, with fraction.
            pace (float): Seconds that one takes now.
            trust (float): From 0 to 1: how much is known of that. Defaults to 1.0.
        """
        self._done[index][what] = done
        part = _Part(self._names[index], what)
        known = self._tried | self._pace
        if trust < _ENOUGH and not any(other.what == what for other in known):
            return
        expected = self._expected(part) if known else pace
        before = self._before.setdefault((index, what), expected)
        self._pace[part] = before + trust * (pace - before)

    def finish(self, index: int, result: dict) -> None:
        """Note that a run is finished, with its result."""
        count = len(result['epochs'])
        epochs = result['epochs'][-1]['epoch'] if count else 0
        for what, number, seconds in (
            ('epochs', epochs, result['training_seconds']),
            ('evaluations', count, result['evaluation_seconds']),
        ):
            # It may have ended early.
            self._done[index][what] = self._total[index][what] = number
            if number:
                part = _Part(self._names[index], what)
                self._pace.setdefault(part, seconds / number)

    def drop(self, index: int) -> None:
        """Note that a run is given up."""
        self._total[index] = dict(self._done[index])

    def share_and_rest(self) -> tuple[float, float | None]:
        """Return the share of all work that is done, and the seconds left.

        The share never falls. The seconds are None before the pace of a training is
        known, by a trial or by its steps.
        """
        done = total = left = 0.0
        for name, all_of_it, so_far in zip(
            self._names, self._total, self._done, strict=True
        ):
            for what in all_of_it:
                part = _Part(name, what)
                done += _usual(part) * min(so_far[what], all_of_it[what])
                total += _usual(part) * all_of_it[what]
                left += self._expected(part) * max(0.0, all_of_it[what] - so_far[what])
        self._share = max(self._share, done / total if total else 0.0)
        known = any(part.what == 'epochs' for part in self._tried | self._pace)
        return self._share, left if known else None

    def _expected(self, part: _Part) -> float:
        """Seconds that one epoch or evaluation of a run takes."""
        if part in self._pace:
            return self._pace[part]
        if part in self._tried:
            return self._tried[part] * self._factor(part.what)
        ratios = {
            other: pace / _usual(other)
            for other, pace in (self._tried | self._pace).items()
            if pace > 0
        }
        for alike in (
            [o for o in ratios if o.what == part.what and _kind(o) == _kind(part)],
            [o for o in ratios if o.what == part.what],
            list(ratios),
        ):
            if alike:
                return _usual(part) * sum(ratios[o] for o in alike) / len(alike)
        return _usual(part)

    def _factor(self, what: str) -> float:
        """How much longer what is measured takes than in the trial."""
        factors = [
            pace / self._tried[part]
            for part, pace in self._pace.items()
            if part.what == what and self._tried.get(part)
        ]
        return mean(factors) if factors else 1.0


def count_evaluations(run: Run) -> int:
    """Count the evaluations of a run; a trained model is measured once.

    Args:
        run (Run): The run.
    """
    if run.checkpoint:
        return 1
    train_cfg = run.config.train_cfg
    epochs, interval = train_cfg['max_epochs'], train_cfg.get('val_interval', 1)
    begin = train_cfg.get('val_begin', 1)
    return sum(
        epoch >= begin and (epoch % interval == 0 or epoch == epochs)
        for epoch in range(1, epochs + 1)
    )


def _kind(part: _Part) -> str:
    return part.name if part.name in _EPOCH else 'distilled'


def _usual(part: _Part) -> float:
    epoch = _EPOCH.get(part.name, _EPOCH_DISTILLED)
    if part.what == 'epochs':
        return epoch
    # A distilled student is evaluated as it is alone.
    return _EVALUATION * _EPOCH.get(part.name, _EPOCH['student'])
