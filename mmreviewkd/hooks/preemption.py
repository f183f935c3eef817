"""Leaving in good order when a cluster takes the machine back."""

import signal
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from mmreviewkd.files import write_text
from mmreviewkd.resume import CheckpointPlace

from .agreement import Agreement
from .signals import listen, stop_listening


@HOOKS.register_module()
class PreemptionHook(Hook):
    """Writes a checkpoint and ends the run when it gets SIGTERM or Ctrl-C.

    The step at hand is finished, ``iter_N.pth`` is written where the run's other
    checkpoints are, and the process ends with exit code 143 (SIGTERM) or 130
    (SIGINT), as programs do that these signals end. A signal that comes during
    evaluation waits for its end. A second Ctrl-C, at least a second later, ends the
    process at once. ``tools/train.py --resume`` goes on from the checkpoint.

    With several processes, one that gets the signal ends all, one step later: they
    agree in the background of the next step.

    Where training runs outside of the main thread, Python gets no signals there; the
    log says so, and the run trains without.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self._asked = 0
        self._agreement = Agreement()

    def before_train(self, runner: Runner) -> None:
        """Listen to the signals."""
        self._asked = 0
        if not listen(self._ask):
            runner.logger.warning(
                'PreemptionHook: training runs outside of the main thread, so SIGTERM '
                'and Ctrl-C end it without a checkpoint'
            )

    def after_train(self, runner: Runner) -> None:
        """Listen no longer."""
        self._agreement.finish()
        stop_listening()

    def _ask(self, signum: int) -> None:
        self._asked = max(self._asked, signum)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Save and leave, if a process was asked to."""
        asked = self._agreement.highest(self._asked)
        if not asked:
            return
        name = signal.Signals(asked).name
        step = runner.iter + 1
        runner.logger.warning(f'{name}: saving iter_{step}.pth, then leaving')
        _save(runner, step)
        raise SystemExit(128 + asked)


def _save(runner: Runner, step: int) -> None:
    """Write the checkpoint where the run's others are, as the one to resume from."""
    place = CheckpointPlace.of_runner(runner)
    name = f'iter_{step}.pth'
    runner.save_checkpoint(
        place.folder,
        name,
        meta=dict(epoch=runner.epoch, iter=step),
        by_epoch=False,
        **place.save_args,
    )
    if is_main_process():
        write_text(Path(runner.work_dir) / 'last_checkpoint', place.path(name))
