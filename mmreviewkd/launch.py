"""What the scripts in tools/ have in common."""

import argparse
import fcntl
import gc
import logging
import os
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from unittest import mock

import torch
from mmengine.config import Config
from mmengine.dist import init_dist
from mmengine.logging import print_log

from .compat.expected_messages import hide_package_warnings as hide_package_warnings
from .compat.versions import in_use
from .config_file import read_config
from .default_hooks import drop_hooks_that_are_off
from .errors import UsageError
from .names import counted
from .version import __version__

_FILE_ERRORS = (
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)

VERSIONS = 'versions: '
"""What :func:`log_versions` begins its line with."""


def load_config(args: argparse.Namespace) -> Config:
    """Read the config, apply the common flags, and join the other processes.

    Args:
        args (Namespace): Has ``config``, ``cfg_options`` (texts, ``key=value``),
            ``work_dir``, ``launcher`` and ``local_rank``.
    """
    cfg = read_config(args.config, args.cfg_options)
    if args.work_dir:
        cfg.work_dir = args.work_dir
    drop_hooks_that_are_off(cfg)
    cfg.setdefault('work_dir', f'work_dirs/{Path(args.config).stem}')
    cfg.launcher = args.launcher
    if args.launcher != 'none':
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
        if not torch.cuda.is_available():
            join_on_cpu(cfg)
    return cfg


def join_on_cpu(cfg: Config) -> None:
    """Join the processes of a launcher where there is no GPU.

    Args:
        cfg (Config): Has ``launcher``, and gets the wrapper of the model.
    """
    # MMEngine's launchers choose a GPU for each process, always; where the processes
    # are joined already, its runner leaves them as they are.
    with mock.patch('torch.cuda.set_device'):
        init_dist(cfg.launcher, backend='gloo')
    size = torch.distributed.get_world_size()
    if torch.distributed.get_rank() == 0:
        print_log(
            f'no GPU: {counted(size, "process", "processes")} on the CPU, over gloo'
        )
    # And its wrapper takes a GPU's number unless told otherwise.
    cfg.model_wrapper_cfg = dict(
        type='MMDistributedDataParallel',
        find_unused_parameters=cfg.get('find_unused_parameters', False),
        broadcast_buffers=False,
    ) | (cfg.get('model_wrapper_cfg') or {})
    cfg.model_wrapper_cfg.device_ids = None


def run_script(main: Callable[[], Any]) -> None:
    """Run a script's main function, then leave the other processes in good order.

    What the user can mend is said without a traceback, ``error: ...``, with the exit
    code 2, see :func:`is_for_the_user`. Ctrl-C ends it with the exit code 130.

    Gloo's threads may still free tensors while the interpreter ends, which aborts it;
    so they are ended before. After an error they are not: where other processes wait
    for this one, ending them could take as long as their timeout.

    Args:
        main (Callable): The function; it may end by :class:`SystemExit`.
    """
    hide_package_warnings()
    code: Any = None
    try:
        main()
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        print('\ninterrupted', file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if not is_for_the_user(error):
            raise
        print(f'error: {error}', file=sys.stderr)
        sys.exit(2)
    # Not within `except`: the traceback holds the model, and the model the group.
    if torch.distributed.is_initialized():
        gc.collect()
        torch.distributed.destroy_process_group()
    if code is not None:
        sys.exit(code)


def is_for_the_user(error: Exception) -> bool:
    """Say whether an error's message tells the user what to mend.

    So it is with files that are missing or may not be read, with a
    :class:`UsageError`, and with a ValueError or RuntimeError that a ``raise`` of this
    package states. What else fails, in this package or below it, may be a fault of the
    program, and is worth a traceback.

    Args:
        error (Exception): The error, as it was caught.
    """
    if isinstance(error, (*_FILE_ERRORS, UsageError)):
        return True
    if not isinstance(error, ValueError | RuntimeError):
        return False
    place = traceback.extract_tb(error.__traceback__)[-1]
    own = Path(place.filename).resolve().is_relative_to(Path(__file__).parent)
    return own and (place.line or '').startswith('raise')


def hold_work_dir(work_dir: str | Path) -> IO[str]:
    """Keep other processes from training in a work dir.

    Args:
        work_dir (str | Path): The folder, which is there.

    Returns:
        IO[str]: An open file; the folder is held until it is closed, or the process
        ends, however that happens.

    Raises:
        UsageError: If another process holds it.
    """
    file = open(Path(work_dir) / '.training', 'a+')  # noqa: SIM115  it stays open
    try:
        # Unlike flock's, these locks are not inherited by data loading workers, which
        # outlive a killed process for some seconds.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.seek(0)
        raise UsageError(
            f'{work_dir}: {file.read() or "another process"} is training there, and '
            'each would write over the checkpoints of the other; take another '
            '--work-dir'
        ) from None
    except OSError as error:
        print_log(
            f'{work_dir}: its file system knows no locks ({error}); see to it that '
            'no other process trains there',
            logger='current',
            level=logging.WARNING,
        )
    file.truncate(0)
    file.write(f'process {os.getpid()} on {socket.gethostname()}')
    file.flush()
    return file


def log_versions() -> None:
    """Put the versions in use into the log, of which MMEngine lists its own only."""
    versions = dict(mmreviewkd=__version__) | in_use()
    pairs = ', '.join(f'{name} {version}' for name, version in versions.items())
    print_log(VERSIONS + pairs, logger='current')
