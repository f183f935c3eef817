"""What one sees while the job runs: lines, and a bar that says when it will end."""

import logging
import sys
import time
from types import TracebackType

import numpy as np
import rich.console
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.progress import BarColumn, Progress, TextColumn

from mmreviewkd.names import clock
from mmreviewkd.results.kinds import write_scores

from .estimate import Estimate
from .record import read_record

# Seconds between two looks at how things stand, on a terminal and in a file.
_ON_TERMINAL = 0.5
_IN_FILE = 20.0
# Steps whose time counts as that of now.
_RECENT = 50
# Warnings of MMEngine that ask for nothing: notes to its own developers; layers shared
# by levels, as in RTMDet, which the optimizer gets once; and that nothing is detected
# yet, which the line of the epoch says.
_NO_NEWS = ('deprecated', 'is duplicate. It is skipped', '`metrics` is an empty dict')


class Console(logging.Handler):
    """Writes lasting lines, and below them a bar.

    Where the output is no terminal, there is no bar but a line every 20 seconds. As a
    handler it shows a logger's warnings. The bar is there while it is entered as a
    context.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        # The stream of now: while a run is done, sys.stdout is its log file.
        self._console = rich.console.Console(file=sys.stdout)
        self._interval = _ON_TERMINAL if self._console.is_terminal else _IN_FILE
        self._last = -self._interval
        self._progress = Progress(
            TextColumn('{task.description}', markup=False),
            BarColumn(bar_width=20),
            TextColumn('{task.percentage:>3.0f}%  ETA {task.fields[eta]}'),
            console=self._console,
            # Drawn when there is news, not by a thread.
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task('', total=1.0, visible=False, eta='')

    def __enter__(self) -> None:
        self._progress.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Write a lasting line."""
        # As it is: brackets are no markup, numbers not coloured, lines not broken.
        self._console.print(
            text, markup=False, emoji=False, highlight=False, soft_wrap=True
        )

    def status(self, text: str, share: float, rest: float | None) -> None:
        """Show how things stand, unless that was shown just now.

        Args:
            text (str): What is being done.
            share (float): Share of all work that is done.
            rest (float, optional): Seconds that the rest takes; None if unknown.
        """
        if time.monotonic() - self._last < self._interval:
            return
        self._last = time.monotonic()
        eta = '-' if rest is None else clock(rest)
        if self._console.is_terminal:
            self._progress.update(
                self._task,
                description=text,
                completed=share,
                eta=eta,
                visible=True,
                refresh=True,
            )
        else:
            self.say(f'{text}  {share:.0%} of all  ETA {eta}')

    def emit(self, record: logging.LogRecord) -> None:
        """Show a log record."""
        message = record.getMessage()
        if not any(text in message for text in _NO_NEWS):
            self.say(f'{record.levelname.lower()}: {message}')


class ShowingHook(Hook):
    """Base of the hooks that show how a run goes.

    Args:
        console (Console): Where to show it.
        estimate (Estimate): Of the whole job; kept up to date.
        index (int): Index of the run in the job.
        label (str): What its lines begin with.
    """

    def __init__(
        self, console: Console, estimate: Estimate, index: int, label: str
    ) -> None:
        self._console = console
        self._estimate = estimate
        self._index = index
        self._label = label


class ProgressHook(ShowingHook):
    """Shows a training's progress, and the scores after each evaluation."""

    def before_train(self, runner: Runner) -> None:
        record = read_record(runner)
        evaluations = len(record['epochs'])
        if evaluations:
            pace = record['evaluation_seconds'] / evaluations
            self._update('evaluations', evaluations, pace)
        if runner.iter:
            pace = record['training_seconds'] / runner.iter
            steps = _steps_of_epoch(runner)
            self._update('epochs', runner.iter / steps, pace * steps)
            step = runner.iter - runner.epoch * steps
            place = f'after epoch {runner.epoch}'
            if step:
                place = f'in epoch {runner.epoch + 1}, after step {step} of {steps}'
            self._console.say(f'{self._label} resumed {place}')

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        steps = _steps_of_epoch(runner)
        # As MMEngine has timed them.
        times = runner.message_hub.get_scalar('train/time').data[0][-_RECENT:]
        # The first steps are often slow.
        if len(times) > 2:
            pace = float(np.median(times)) * steps
            done = (runner.iter + 1) / steps
            self._update('epochs', done, pace, trust=len(times) / _RECENT)
        loss = runner.message_hub.get_scalar('train/loss').mean(20)
        self._show(runner, runner.epoch + 1, f'loss {loss:.2f}')

    def before_val_epoch(self, runner: Runner) -> None:
        self._start = time.perf_counter()
        record = read_record(runner)
        self._evaluations = len(record['epochs'])
        self._seconds = record['evaluation_seconds']

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: list | None = None,
    ) -> None:
        seconds = self._seconds + time.perf_counter() - self._start
        done = self._evaluations + (batch_idx + 1) / len(runner.val_dataloader)
        self._update('evaluations', done, seconds / done, trust=min(1.0, done))
        self._show(runner, runner.epoch, 'evaluation')

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        seconds = self._seconds + time.perf_counter() - self._start
        done = self._evaluations + 1
        self._update('evaluations', done, seconds / done)
        self._console.say(
            f'{self._label} epoch {runner.epoch}/{runner.max_epochs}: '
            f'{write_scores(metrics or {}) or "nothing detected yet"}'
        )

    def _update(self, what: str, done: float, pace: float, trust: float = 1.0) -> None:
        self._estimate.update(self._index, what, done, pace, trust)

    def _show(self, runner: Runner, epoch: int, what: str) -> None:
        share, rest = self._estimate.share_and_rest()
        text = f'{self._label} epoch {epoch}/{runner.max_epochs}  {what}'
        self._console.status(text, share, rest)


def _steps_of_epoch(runner: Runner) -> int:
    # An epoch that is resumed within has a loader of fewer batches than the others.
    return runner.max_iters // runner.max_epochs
