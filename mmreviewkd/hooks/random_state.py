"""Resuming with the random numbers of an uninterrupted run."""

import logging
import random
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object, get_rank
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.registry import HOOKS
from mmengine.runner import Runner

KEY = 'random_state'


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Keeps the state of the random number generators in the checkpoints.

    The states of PyTorch (CPU and the process's GPU), NumPy and Python, of each
    process, are kept as they are at the end of a training epoch, and are restored
    before the next one, both in the uninterrupted and in the resumed run: so both go
    on alike, whatever evaluation does in between. With them, and with MMEngine's
    sampler, which draws from seed and epoch alone, a resumed run repeats the
    uninterrupted one.

    Not restored: the generators of data loading workers that outlive an epoch
    (``persistent_workers=True``), and runs that resume within an epoch
    (``IterBasedTrainLoop``).
    """

    # After all that draws random numbers, before the checkpoint is written.
    priority = 'LOW'

    def __init__(self) -> None:
        self._states: list[dict] | None = None

    def after_train_epoch(self, runner: Runner) -> None:
        """Take the states."""
        self._states = all_gather_object(_take())

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Put them into the checkpoint."""
        if self._states is not None:
            checkpoint[KEY] = self._states

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take them from a checkpoint to resume from."""
        self._states = checkpoint.get(KEY)

    def before_train_epoch(self, runner: Runner) -> None:
        """Restore them."""
        # In epoch 0 there may be those of a checkpoint that training only starts from.
        if self._states is None or runner.epoch == 0:
            return
        if get_rank() < len(self._states):
            _restore(self._states[get_rank()])
        else:
            print_log(
                f'the checkpoint is of {len(self._states)} processes: random numbers '
                'will not be those of an uninterrupted run',
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


def _restore(state: dict[str, Any]) -> None:
    torch.set_rng_state(state['torch'].cpu())
    name, keys, *rest = state['numpy']
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    random.setstate(state['python'])
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())
