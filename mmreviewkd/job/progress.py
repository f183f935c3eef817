"""What one sees while the job runs: one line at a time, and when it will end."""

import logging
import shutil
import sys
import time
from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from .plan import Run
from .record import read_record

# Seconds an epoch of each kind of run takes, in any unit, until it is measured.
_PRIOR = dict(teacher=1.6, student=1.0)
_PRIOR_DISTILLED = 1.4


class Console(logging.Handler):
    """Writes lasting lines, and between them one that is overwritten.

    Where the output is no terminal, a line is not overwritten but added every
    20 seconds. As a handler it shows a logger's warnings.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        # The stream of now: while a run is done, sys.stdout is its log file.
        self._stream = sys.stdout
        self._is_terminal = self._stream.isatty()
        self._interval = 0.5 if self._is_terminal else 20.0
        self._last = -self._interval

    def say(self, text: str) -> None:
        """Write a lasting line."""
        clear = '\r\033[K' if self._is_terminal else ''
        print(clear + text, file=self._stream, flush=True)

    def status(self, text: str) -> None:
        """Show how things stand, unless that was shown just now."""
        if time.monotonic() - self._last < self._interval:
            return
        self._last = time.monotonic()
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            print('\r\033[K' + text[:width], end='', file=self._stream, flush=True)
        else:
            self.say(text)

    def emit(self, record: logging.LogRecord) -> None:
        """Show a log record."""
        message = record.getMessage()
        # MMEngine's notes to its own developers.
        if 'deprecated' not in message:
            self.say(f'{record.levelname.lower()}: {message}')


class Estimate:
    """Estimates what share of a job is done and how long the rest takes.

    Args:
        runs (Sequence[tuple[str, int]]): Name and number of epochs of each run.
    """

    def __init__(self, runs: Sequence[tuple[str, int]]) -> None:
        self._runs = list(runs)
        self._done = [0.0] * len(self._runs)
        self._seconds = [0.0] * len(self._runs)

    def update(self, index: int, done: float, seconds: float) -> None:
        """Note that a run has come so far in so many seconds.

        Args:
            index (int): Index of the run.
            done (float): Share of its epochs that is done.
            seconds (float): What they took.
        """
        self._done[index] = done
        self._seconds[index] = seconds

    def share_and_rest(self) -> tuple[float, float]:
        """Return the share of all work that is done, and the seconds left."""
        measured = sum(self._seconds)
        expected = sum(
            _prior(name) * epochs * done
            for (name, epochs), done in zip(self._runs, self._done, strict=True)
        )
        unit = measured / expected if measured else 1.0
        pace = {name: self._pace(name) or _prior(name) * unit for name, _ in self._runs}
        whole = [pace[name] * epochs for name, epochs in self._runs]
        spent = sum(w * done for w, done in zip(whole, self._done, strict=True))
        return spent / sum(whole), sum(whole) - spent

    def _pace(self, name: str) -> float:
        """Seconds an epoch as measured; 0 if not measured yet."""
        mine = [i for i, run in enumerate(self._runs) if run[0] == name]
        epochs = sum(self._done[i] * self._runs[i][1] for i in mine)
        return sum(self._seconds[i] for i in mine) / epochs if epochs else 0.0


def _prior(name: str) -> float:
    return _PRIOR.get(name, _PRIOR_DISTILLED)


@HOOKS.register_module()
class ProgressHook(Hook):
    """Shows a run's progress, and its AP after each evaluation.

    Args:
        console (Console): Where to show it.
        estimate (Estimate): Of the whole job; kept up to date.
        index (int): Index of the run in the job.
        total (int): Number of runs in the job.
        run (Run): The run.
    """

    def __init__(
        self, console: Console, estimate: Estimate, index: int, total: int, run: Run
    ) -> None:
        self._console = console
        self._estimate = estimate
        self._index = index
        self._label = f'[{index + 1}/{total} {run}]'

    def before_train(self, runner: Runner) -> None:
        record = read_record(runner)
        before = record['training_seconds'] + record['evaluation_seconds']
        # As if all had been done without interruption.
        self._start = time.perf_counter() - before
        if runner.epoch:
            self._console.say(f'{self._label} goes on after epoch {runner.epoch}')

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        loss = runner.message_hub.get_scalar('train/loss').mean(20)
        self._show(runner, runner.iter + 1, runner.epoch + 1, f'loss {loss:.2f}')

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: list | None = None,
    ) -> None:
        self._show(runner, runner.iter, runner.epoch, 'evaluation')

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        scores = ', '.join(
            f'{kind} AP {100 * metrics[key]:.1f}'
            for kind, key in (('box', 'coco/bbox_mAP'), ('mask', 'coco/segm_mAP'))
            if key in metrics
        )
        self._console.say(
            f'{self._label} epoch {runner.epoch}/{runner.max_epochs}: '
            f'{scores or "nothing detected yet"}'
        )

    def _show(self, runner: Runner, step: int, epoch: int, what: str) -> None:
        seconds = time.perf_counter() - self._start
        self._estimate.update(self._index, step / runner.max_iters, seconds)
        share, rest = self._estimate.share_and_rest()
        self._console.status(
            f'{self._label} epoch {epoch}/{runner.max_epochs}  {what}  '
            f'{share:.0%} of all  ETA {clock(rest)}'
        )


def clock(seconds: float) -> str:
    """Write a duration as minutes and seconds, or hours and minutes.

    >>> clock(390), clock(3 * 3600 + 120)
    ('6:30', '3 h 02 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours = minutes // 60
    return f'{hours} h {minutes % 60:02} min' if hours else f'{minutes}:{rest:02}'
