"""When to distil, and how strongly."""

from typing import Any

from mmengine.dataset import InfiniteSampler
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import EpochBasedTrainLoop, Runner

from .distilled_model import distilled_model


@HOOKS.register_module()
class DistillScheduleHook(Hook):
    """Lets the distillation loss warm up, stay, fade and stop.

    Its strength, a factor on the loss, rises linearly from 0 to 1 during
    ``warmup``, falls linearly from ``fade`` to ``end``, and is 0 from ``end`` on:
    the student then trains as without a teacher, which is not run any more. It
    follows from the iteration alone, so a resumed run goes on as it should. Logged
    as ``distill_strength``.

    Args:
        warmup (float): How long the strength rises. Defaults to 0: it starts at 1.
        fade (float, optional): When it begins to fall. Defaults to None: at
            ``end``.
        end (float, optional): When it is 0 for good. Defaults to None: never.
        by_epoch (bool): Whether times are in epochs, fractions allowed, or in
            iterations. Defaults to True.

    Raises:
        ValueError: If not ``0 <= warmup <= fade <= end``, or ``fade`` has no
            ``end``.

    Example:
        >>> from mmreviewkd.hooks import DistillScheduleHook
        >>> hook = DistillScheduleHook(warmup=1, fade=4, end=8)
        >>> [hook.strength(epoch) for epoch in (0, 0.5, 1, 4, 6, 8)]
        [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        warmup: float = 0,
        fade: float | None = None,
        end: float | None = None,
        by_epoch: bool = True,
    ) -> None:
        last = float('inf') if end is None else end
        first = last if fade is None else fade
        if (fade is not None and end is None) or not 0 <= warmup <= first <= last:
            raise ValueError(
                'DistillScheduleHook needs 0 <= warmup <= fade <= end, and an end '
                f'where it fades; got warmup={warmup}, fade={fade}, end={end}'
            )
        self._warmup, self._fade, self._end = warmup, first, last
        self._by_epoch = by_epoch

    def strength(self, time: float) -> float:
        """Return the factor, 0 to 1, at a time in epochs or iterations."""
        if time >= self._end:
            return 0.0
        if time < self._warmup:
            return time / self._warmup
        if time > self._fade:
            return (self._end - time) / (self._end - self._fade)
        return 1.0

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Set the strength for the step to come."""
        time = _epochs(runner, batch_idx) if self._by_epoch else runner.iter
        model = distilled_model(runner, self)
        model.distill_strength = self.strength(time)
        runner.message_hub.update_scalar(
            'train/distill_strength', model.distill_strength
        )


def _epochs(runner: Runner, batch_idx: int) -> float:
    """Time in epochs, fractions included, at a step of the training."""
    loader = runner.train_dataloader
    if not isinstance(runner.train_loop, EpochBasedTrainLoop):
        return runner.iter * _processes_of(loader.batch_sampler) / len(loader)
    # An epoch that is resumed within has fewer batches than the others.
    steps = runner.max_iters / runner.max_epochs
    return runner.epoch + 1 - (len(loader) - batch_idx) / steps


def _processes_of(sampler: Any) -> int:
    """How many processes share the images that a loader counts.

    InfiniteSampler counts those of all processes, other samplers their own.
    """
    while sampler is not None:
        if isinstance(sampler, InfiniteSampler):
            return sampler.world_size
        # The one that this one takes its images from.
        sampler = getattr(sampler, 'sampler', None)
    return 1
