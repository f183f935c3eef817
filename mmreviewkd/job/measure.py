"""Measuring a teacher that is given with its weights."""

import time

from mmengine.runner import Runner

from mmreviewkd.results.kinds import write_scores
from mmreviewkd.teachers.weights import load_strictly, read_weights

from .progress import ShowingHook


class MeasuringHook(ShowingHook):
    """Shows how far an evaluation is, and the scores."""

    def before_val_epoch(self, runner: Runner) -> None:
        """Note when it begins."""
        self._start = time.perf_counter()

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: list | None = None,
    ) -> None:
        """Show the progress."""
        total = len(runner.val_dataloader)
        done = (batch_idx + 1) / total
        pace = (time.perf_counter() - self._start) / done
        self._estimate.update(self._index, 'evaluations', done, pace, trust=done)
        text = f'{self._label} as given: evaluation, batch {batch_idx + 1} of {total}'
        self._console.status(text, *self._estimate.share_and_rest())

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Show the scores."""
        scores = write_scores(metrics or {}) or 'nothing detected'
        self._console.say(f'{self._label} as given: {scores}')


def measure(runner: Runner, checkpoint: str) -> dict:
    """Evaluate a detector with the weights of a checkpoint, which all have to fit.

    Args:
        runner (Runner): A runner of its config.
        checkpoint (str): The checkpoint.

    Returns:
        dict: As the record of a training, without any epoch.

    Raises:
        ValueError: If weights are missing or do not fit.
    """
    load_strictly(runner.model, read_weights(checkpoint).state, checkpoint)
    start = time.perf_counter()
    metrics = runner.val()
    seconds = time.perf_counter() - start
    return dict(
        step_seconds=0.0,
        training_seconds=0.0,
        evaluation_seconds=seconds,
        peak_memory=0,
        epochs=[dict(epoch=0, metrics=metrics)],
        final=metrics,
        checkpoint=checkpoint,
    )
