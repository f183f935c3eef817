"""Leaving in good order when a cluster takes the machine back."""

import signal
from types import FrameType
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner


@HOOKS.register_module()
class PreemptionHook(Hook):
    """Writes a checkpoint and ends the run when it gets SIGTERM.

    The step at hand is finished, ``iter_N.pth`` is written, and the process ends with
    exit code 143, as programs do that SIGTERM ends. With several processes, one that
    gets the signal ends all. ``tools/train.py --resume`` goes on from there.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self._asked = False
        self._former: Any = None

    def before_train(self, runner: Runner) -> None:
        """Listen to the signal."""
        self._former = signal.signal(signal.SIGTERM, self._ask)

    def after_train(self, runner: Runner) -> None:
        """Listen no longer."""
        signal.signal(signal.SIGTERM, self._former or signal.SIG_DFL)

    def _ask(self, signum: int, frame: FrameType | None) -> None:
        self._asked = True

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Save and leave, if a process was asked to."""
        asked = self._asked
        if get_world_size() > 1:
            flag = torch.tensor(int(asked), device=next(iter(outputs.values())).device)
            all_reduce(flag, 'max')
            asked = bool(flag)
        if not asked:
            return
        step = runner.iter + 1
        runner.logger.warning(f'SIGTERM: saving iter_{step}.pth, then leaving')
        runner.save_checkpoint(
            runner.work_dir,
            f'iter_{step}.pth',
            meta=dict(epoch=runner.epoch, iter=step),
            by_epoch=False,
            backend_args=dict(backend='atomic'),
        )
        raise SystemExit(128 + signal.SIGTERM)
