"""Finding the checkpoint to resume from, where a run writes its own."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.fileio import FileClient, LocalBackend, get_file_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import print_log
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from .files import ATOMIC, DEFAULT_NAMES, is_whole, newest_first

POINTER = 'last_checkpoint'
"""The file in the work dir in which MMEngine names the last checkpoint."""


@dataclass(frozen=True)
class CheckpointPlace:
    """Where and how a run writes its checkpoints.

    Attributes:
        folder (str): Path or address of the folder.
        backend (Any): MMEngine's storage backend of the folder.
        save_args (dict): What ``Runner.save_checkpoint`` needs to write there.
        names (tuple[str, ...]): Templates of the names, the hook's own first.
    """

    folder: str
    backend: Any
    save_args: dict
    names: tuple[str, ...]

    @classmethod
    def of_config(cls, cfg: Config) -> 'CheckpointPlace':
        """Find it before there is a runner, as CheckpointHook will."""
        hook = (cfg.get('default_hooks') or {}).get(
            'checkpoint', dict(type='CheckpointHook')
        )
        place = cls._of_hook(hook and HOOKS.build(hook), cfg.work_dir)
        if place.folder == cfg.work_dir:
            return place
        base = os.path.basename(cfg.work_dir.rstrip(os.sep))
        folder = str(place.backend.join_path(place.folder, base))
        return cls(folder, place.backend, place.save_args, place.names)

    @classmethod
    def of_runner(cls, runner: Runner) -> 'CheckpointPlace':
        """Find it while the runner trains."""
        hooks = (hook for hook in runner.hooks if isinstance(hook, CheckpointHook))
        return cls._of_hook(next(hooks, None), runner.work_dir)

    @classmethod
    def _of_hook(cls, hook: CheckpointHook | None, work_dir: str) -> 'CheckpointPlace':
        if hook is None:  # PreemptionHook writes there all the same
            how = dict(backend_args=dict(backend=ATOMIC))
            return cls(work_dir, LocalBackend(), how, DEFAULT_NAMES)
        folder = str(hook.out_dir or work_dir)
        if hook.file_client_args is not None:
            how = dict(file_client_args=hook.file_client_args)
            backend = FileClient.infer_client(hook.file_client_args, folder)
        else:
            how = dict(backend_args=hook.backend_args)
            backend = get_file_backend(folder, backend_args=hook.backend_args)
            if type(backend) is LocalBackend:
                how = dict(backend_args=dict(backend=ATOMIC))
        names = tuple(dict.fromkeys((hook.filename_tmpl, *DEFAULT_NAMES)))
        return cls(folder, backend, how, names)

    def path(self, name: str) -> str:
        """Give the path or address of a file in the folder."""
        return str(self.backend.join_path(self.folder, name))

    def checkpoints(self) -> list[str]:
        """List the names of the run's checkpoints, the newest first."""
        try:
            found = list(self.backend.list_dir_or_file(self.folder, list_dir=False))
        except FileNotFoundError:
            return []
        local = isinstance(self.backend, LocalBackend)
        times = {
            name: os.stat(self.path(name)).st_mtime_ns if local else 0 for name in found
        }
        return newest_first(times, self.names)

    def is_whole(self, path: str) -> bool | None:
        """Tell whether a checkpoint can be used; None where it is missing."""
        if not self.backend.isfile(path):
            return None
        return is_whole(self.backend, path)


def find_checkpoint(cfg: Config) -> str | None:
    """Find the checkpoint that ``--resume`` without a path resumes from.

    That is the one that MMEngine's file ``last_checkpoint`` names, if it is in the
    place where this run writes its checkpoints (whatever folder the file names: work
    dirs are moved and copied); else the newest in that place; else the one that the
    file names elsewhere. Damaged ones are passed over. What is found, and what is not,
    goes to the log.

    Args:
        cfg (Config): The run's config, with ``work_dir``.

    Returns:
        str, optional: Its path or address; None if the run has written none.

    Raises:
        ValueError: If the run has written checkpoints, but none can be used. A
            training that starts anew would write over them.
        OSError: If one is there that cannot be read.
    """
    place = CheckpointPlace.of_config(cfg)
    found = [place.path(name) for name in place.checkpoints()]
    candidates = list(found)
    pointer = _read_pointer(cfg.work_dir)
    if pointer:
        candidates.insert(0, place.path(os.path.basename(pointer)))
        candidates.append(pointer)
    passed_over = []
    for path in dict.fromkeys(candidates):
        whole = place.is_whole(path)
        if whole:
            _say(f'resuming from {path}')
            return path
        # Of the two places of the pointer, one is usually empty.
        if whole is False or path in found:
            passed_over.append(path)
            _say(
                f'{path} is cut off or damaged; looking for an older checkpoint',
                logging.WARNING,
            )
    names = ', '.join(name.replace('{}', '*') for name in place.names)
    if passed_over:
        raise ValueError(_nothing_usable(place.folder, passed_over))
    if pointer:
        raise ValueError(
            f'{Path(cfg.work_dir) / POINTER} names {pointer}, which is missing, and '
            f'there is no other checkpoint ({names}) in {place.folder}. Give its new '
            'place, --resume PATH, or remove that file to start anew.'
        )
    _say(
        f'nothing to resume from: no checkpoint ({names}) in {place.folder}; training '
        'starts from the beginning'
    )
    return None


def _read_pointer(work_dir: str) -> str:
    try:
        return (Path(work_dir) / POINTER).read_text(encoding='utf-8').strip()
    except FileNotFoundError:
        return ''


def _nothing_usable(folder: str, paths: Sequence[str]) -> str:
    listing = ''.join(f'\n  {path}' for path in paths)
    return (
        f'no checkpoint in {folder} can be resumed from; these are cut off or damaged:'
        f'{listing}\nGive another one, --resume PATH; or move them away to start anew '
        '(without --resume they would be written over).'
    )


def _say(text: str, level: int = logging.INFO) -> None:
    print_log(text, logger='current', level=level)
