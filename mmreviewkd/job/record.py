"""What a run remembers of itself: its metrics and how long it took."""

import time
from pathlib import Path

import torch
from mmengine.hooks import EarlyStoppingHook, Hook
from mmengine.runner import Runner

from mmreviewkd.files import read_json

KEY = 'job_record'
RESULT = 'result.json'
"""Name of the file in a run's folder that tells that it is finished."""


def read_result(folder: Path) -> dict | None:
    """Return the result of the run in a folder, or None if it is not finished."""
    path = folder / RESULT
    return read_json(path) if path.is_file() else None


def read_record(runner: Runner) -> dict:
    """Return what the hook has recorded.

    Returns:
        dict: ``training_seconds`` and ``evaluation_seconds``, without what
        interruptions made the run do again; ``peak_memory``, the most that
        training steps had allocated on the GPU, in bytes, 0 without one; and
        ``epochs``: a list of dicts with ``epoch`` and ``metrics`` of each
        evaluation.
    """
    default = dict(
        training_seconds=0.0, evaluation_seconds=0.0, peak_memory=0, epochs=[]
    )
    return runner.message_hub.runtime_info.get(KEY, default)


class RecordHook(Hook):
    """Keeps the record in the message hub, and thereby in the checkpoints.

    So the record of a resumed run is always that of the steps behind its
    checkpoint. Only the evaluation that follows the checkpoint's epoch may be
    missing; it is done before training goes on.
    """

    def before_train(self, runner: Runner) -> None:
        self._record = read_record(runner)
        runner.message_hub.update_info(KEY, self._record)
        _tell_early_stopping(runner, self._record['epochs'])
        loop = runner.train_loop
        due = runner.epoch >= loop.val_begin and (
            runner.epoch % loop.val_interval == 0 or runner.epoch == loop.max_epochs
        )
        # Where a checkpoint is of the midst of an epoch, it is there already.
        done = {point['epoch'] for point in self._record['epochs']}
        if runner.epoch and due and runner.epoch not in done:
            runner.val_loop.run()

    def before_train_epoch(self, runner: Runner) -> None:
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self._start = time.perf_counter()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        now = time.perf_counter()
        self._record['training_seconds'] += now - self._start
        self._start = now
        if torch.cuda.is_available():
            # At each step, since MMEngine's log sets it back.
            peak = max(self._record['peak_memory'], torch.cuda.max_memory_allocated())
            self._record['peak_memory'] = peak

    def before_val_epoch(self, runner: Runner) -> None:
        self._val_start = time.perf_counter()

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self._record['evaluation_seconds'] += time.perf_counter() - self._val_start
        self._record['epochs'].append(
            dict(epoch=runner.epoch, metrics=dict(metrics or {}))
        )


def _tell_early_stopping(runner: Runner, epochs: list[dict]) -> None:
    """Tell it what the run has reached, which it keeps in memory only."""
    for hook in runner.hooks:
        if isinstance(hook, EarlyStoppingHook):
            for point in epochs:
                hook.after_val_epoch(runner, point['metrics'])
