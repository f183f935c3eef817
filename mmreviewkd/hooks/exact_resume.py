"""Resuming as if there had been no interruption."""

import itertools
import logging
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object, get_rank
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.registry import HOOKS
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import DataLoader, Sampler

from mmreviewkd.names import counted

KEY = 'random_state'
PLACE = 'place_in_epoch'
"""Key of a checkpoint: steps of its epoch that are done, and steps of an epoch."""


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Makes a resumed run repeat the uninterrupted one.

    Checkpoints get the states of all random number generators (PyTorch's on the CPU
    and on the process's GPU, NumPy's, Python's), those of each process. They are
    restored before the next epoch, both in the uninterrupted and in the resumed run:
    so both go on alike, whatever evaluation does in between. MMEngine's sampler draws
    from seed and epoch alone.

    A run that resumes from a checkpoint within an epoch passes over the batches that
    the epoch has used already, where MMEngine would begin the epoch anew. If an epoch
    now has another number of steps (another batch size, other images or processes), the
    batches are others too: the epoch begins anew, and the log says so.

    Not restored: the generators of data loading workers that outlive an epoch
    (``persistent_workers=True``); within an epoch, those of any workers, and of other
    processes than the first; any with ``IterBasedTrainLoop``; gradients that were
    accumulated without a step of the optimizer. Where a resumed run may
    differ from an uninterrupted one, the log says so.
    """

    # After all that draws random numbers, before the checkpoint is written.
    priority = 'LOW'

    def __init__(self) -> None:
        self._states: list[dict] | None = None
        self._place = (0, 0)
        self._start = 0
        self._steps = 0
        self._within_epoch = False
        self._batches: Sampler | None = None
        self._own_generator = False
        self._first_epoch = True

    def before_train_epoch(self, runner: Runner) -> None:
        """Restore the states, and find the place within the epoch."""
        loader = runner.train_dataloader
        resumed = bool(runner.iter) and self._states is not None
        done = 0
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            if resumed:
                _warn('IterBasedTrainLoop loads all former batches again')
        elif self._first_epoch and runner.iter:
            done = _steps_to_pass(*self._place, len(loader))
        self._start, self._steps = runner.iter - done, len(loader)
        if self._first_epoch:
            _warn_of_gradients(runner)
        if self._first_epoch and resumed and loader.num_workers:
            if loader.persistent_workers:
                _warn('data loading workers that outlive an epoch start anew')
            elif done > 0:
                _warn('data loading workers within an epoch start anew')
        # Making an iterator draws a number. It must not be drawn again, nor where
        # persistent workers have had their iterator since the first epoch.
        if done > 0 or (self._first_epoch and resumed and loader.persistent_workers):
            loader.generator = torch.Generator()
            self._own_generator = True
        if done > 0:
            self._batches = loader.batch_sampler
            _set_batches(loader, _Rest(self._batches, done))
        # At the start there may be those of a checkpoint that is only started from.
        if resumed:
            _restore(self._states)
        self._states = None
        self._first_epoch = False
        self._within_epoch = True

    def after_train_epoch(self, runner: Runner) -> None:
        """Take the states."""
        self._states = all_gather_object(_take())
        self._within_epoch = False
        if self._own_generator:
            runner.train_dataloader.generator = None
            self._own_generator = False
        if self._batches is not None:
            _set_batches(runner.train_dataloader, self._batches)
            self._batches = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Put them into the checkpoint."""
        states = [_take()] if self._within_epoch else self._states
        if states is not None:
            checkpoint[KEY] = states
        if isinstance(runner.train_loop, EpochBasedTrainLoop):
            step = checkpoint['meta']['iter']
            done = step - self._start if self._within_epoch else 0
            checkpoint[PLACE] = (done, self._steps)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take them from a checkpoint to resume from."""
        self._states = checkpoint.get(KEY)
        self._place = checkpoint.get(PLACE) or _former_place(checkpoint)


class _Rest(Sampler):
    """The batches that a sampler yields after the first ones; once.

    Persistent workers go on to take their batches from it in the epochs that follow.
    """

    def __init__(self, batches: Sampler, passed: int) -> None:
        self._batches = batches
        self._passed = passed
        self._to_pass = passed

    def __iter__(self) -> Iterator[list[int]]:
        # A generator, since DataLoader makes iterators that it does not use.
        passed, self._to_pass = self._to_pass, 0
        yield from itertools.islice(self._batches, passed, None)

    def __len__(self) -> int:
        return max(0, len(self._batches) - self._passed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batches, name)


def _former_place(checkpoint: dict) -> tuple[int, int]:
    """Work out the place in the epoch of a checkpoint that does not say it."""
    meta = checkpoint.get('meta') or {}
    info = (checkpoint.get('message_hub') or {}).get('runtime_info') or {}
    if not info.get('max_epochs') or not {'epoch', 'iter'} <= meta.keys():
        return 0, 0
    steps = info['max_iters'] // info['max_epochs']
    return meta['iter'] - meta['epoch'] * steps, steps


def _steps_to_pass(done: int, before: int, steps: int) -> int:
    """How many steps of an epoch to pass over, after so many of the one before."""
    if done == 0 or (before == steps and 0 < done <= steps):
        return done
    print_log(
        f'the checkpoint is from within an epoch of {before} steps, while an epoch now '
        f'has {steps}: the epoch begins anew',
        logger='current',
        level=logging.WARNING,
    )
    return 0


def _set_batches(loader: DataLoader, batches: Sampler) -> None:
    # Past DataLoader's own check, which is against doing so within an epoch.
    object.__setattr__(loader, 'batch_sampler', batches)


def _warn_of_gradients(runner: Runner) -> None:
    """Tell of those that were accumulated before the checkpoint, which lacks them."""
    counts = getattr(runner.optim_wrapper, '_accumulative_counts', 1)
    lost = runner.iter % counts
    if lost:
        _warn(
            f'the gradients of {counted(lost, "batch", "batches")}, accumulated before '
            'the checkpoint, are lost',
            'the next step of the optimizer',
        )


def _warn(reason: str, where: str = 'the random numbers of the data pipeline') -> None:
    print_log(
        f'{reason}: this run may differ from an uninterrupted one, in {where}',
        logger='current',
        level=logging.WARNING,
    )


def _take() -> dict[str, Any]:
    """Copy all states, as tensors and plain containers."""
    name, keys, *rest = np.random.get_state()
    state = dict(
        torch=torch.get_rng_state(),
        numpy=[name, torch.from_numpy(keys.astype(np.int64)), *rest],
        python=random.getstate(),
    )
    if torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def _restore(states: list[dict[str, Any]]) -> None:
    if get_rank() >= len(states):
        print_log(
            'the checkpoint has the random states of '
            f'{counted(len(states), "process", "processes")}, not of process '
            f'{get_rank()}: it will not repeat an uninterrupted run',
            logger='current',
            level=logging.WARNING,
        )
        return
    state = states[get_rank()]
    torch.set_rng_state(state['torch'].cpu())
    name, keys, *rest = state['numpy']
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    random.setstate(state['python'])
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())
