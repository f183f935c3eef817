"""Checkpoints of a run by stable names: ``best.pth`` and ``last.pth``."""

import os
import secrets
import shutil
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmreviewkd.files import is_whole, last_whole_checkpoint

from .errors import JobError
from .plan import Run
from .record import read_result

BEST, LAST = 'best.pth', 'last.pth'


def trained_weights(run: Run) -> str:
    """Give the checkpoint that a finished run stands for: that of its last epoch.

    Raises:
        JobError: If it is not there any more.
    """
    found = run.checkpoint or _last_of(run)
    if found is None:
        raise JobError(
            f'{run} is finished, but its checkpoints (epoch_*.pth) are gone from '
            f'{run.folder}; put them back, or remove that folder to train it again'
        )
    return str(found)


def _last_of(run: Run) -> Path | None:
    evaluated = (read_result(run.folder) or {}).get('epochs')
    if evaluated:
        # The times of copied files do not tell which is the newest.
        path = run.folder / f'epoch_{evaluated[-1]["epoch"]}.pth'
        if path.is_file() and is_whole(LocalBackend(), path):
            return path
    return last_whole_checkpoint(run.folder)


class StableNamesHook(Hook):
    """Names the checkpoints of the last epoch and of that with the highest AP.

    They are the same files as MMEngine's ``epoch_N.pth``, under a second name, so that
    they stay when MMEngine removes old ones.

    Args:
        metric (str): Name of the AP.
    """

    # After CheckpointHook and the hook that keeps the record.
    priority = 'LOWEST'

    def __init__(self, metric: str) -> None:
        self._metric = metric

    def after_train_epoch(self, runner: Runner) -> None:
        """Name the last epoch."""
        self._name(runner, LAST, runner.epoch + 1)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Name the best epoch; of equal ones the first."""
        own = (metrics or {}).get(self._metric, 0.0)
        folder = Path(runner.work_dir)
        best = runner.message_hub.runtime_info.get('job_best')
        if best is None or own > best or not (folder / BEST).is_file():
            runner.message_hub.update_info('job_best', own)
            self._name(runner, BEST, runner.epoch)

    def _name(self, runner: Runner, name: str, epoch: int) -> None:
        source = Path(runner.work_dir) / f'epoch_{epoch}.pth'
        if is_main_process() and source.is_file():
            link(source, source.with_name(name))


def link(source: Path, target: Path) -> None:
    """Give a file another name in one step; copy it where the system has no links.

    Args:
        source (Path): The file.
        target (Path): Its other name, in the same folder; replaced if it is there.
    """
    temporary = target.with_name(f'.{target.name}-{secrets.token_hex(4)}.unfinished')
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    os.replace(temporary, target)
