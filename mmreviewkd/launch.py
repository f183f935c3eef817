"""What the scripts in tools/ have in common."""

import argparse
import fcntl
import gc
import logging
import os
import socket
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from unittest import mock

import torch
from mmengine.config import Config, DictAction
from mmengine.dist import init_dist
from mmengine.logging import print_log

from .compat.versions import in_use
from .default_hooks import drop_hooks_that_are_off
from .errors import UsageError
from .version import __version__

_FILE_ERRORS = (
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)

VERSIONS = 'versions: '
"""What :func:`log_versions` begins its line with."""


def hide_package_warnings() -> None:
    """Hide the warnings about MMEngine's way to find packages.

    A user has no influence on it, and the scripts that print tables are read.
    """
    warnings.filterwarnings('ignore', message='pkg_resources is deprecated')


def add_common_flags(parser: argparse.ArgumentParser) -> None:
    """Add MMDetection's flags that training and testing share."""
    parser.add_argument(
        '--work-dir', help='folder for all that is written (work_dirs/CONFIG)'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        help='changes of the config, key=value; e.g. train_dataloader.batch_size=4',
    )
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none'
    )
    # Launchers of former times pass it instead of setting the variable.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def load_config(args: argparse.Namespace) -> Config:
    """Read the config, apply the common flags, and join the other processes.

    Args:
        args (Namespace): Has ``config`` and what :func:`add_common_flags` adds.
    """
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    if args.work_dir:
        cfg.work_dir = args.work_dir
    drop_hooks_that_are_off(cfg)
    cfg.setdefault('work_dir', f'work_dirs/{Path(args.config).stem}')
    cfg.launcher = args.launcher
    if args.launcher != 'none':
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
        if not torch.cuda.is_available():
            _join_on_cpu(cfg)
    return cfg


def _join_on_cpu(cfg: Config) -> None:
    # MMEngine's launchers choose a GPU for each process, always; where the processes
    # are joined already, its runner leaves them as they are.
    with mock.patch('torch.cuda.set_device'):
        init_dist(cfg.launcher, backend='gloo')
    if torch.distributed.get_rank() == 0:
        print_log(
            f'no GPU: {torch.distributed.get_world_size()} processes on the CPU, over '
            'gloo'
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

    What the user can mend is one line, ``error: ...``, and the exit code 2: a file
    that is missing or may not be read, and a :class:`UsageError`.

    Gloo's threads may still free tensors while the interpreter ends, which aborts it;
    so they are ended before. After an error they are not: where other processes wait
    for this one, ending them could take as long as their timeout.

    Args:
        main (Callable): The function; it may end by :class:`SystemExit`.
    """
    code: Any = None
    try:
        main()
    except SystemExit as end:
        code = end.code
    except (*_FILE_ERRORS, UsageError) as error:
        print(f'error: {error}', file=sys.stderr)
        sys.exit(2)
    # Not within `except`: the traceback holds the model, and the model the group.
    if torch.distributed.is_initialized():
        gc.collect()
        torch.distributed.destroy_process_group()
    if code is not None:
        sys.exit(code)


def hold_work_dir(work_dir: str | Path) -> IO[str]:
    """Keep other processes from training in a work dir.

    Args:
        work_dir (str | Path): The folder, which is there.

    Returns:
        IO[str]: An open file; the folder is held until it is closed, or the process
        ends, however that happens.

    Raises:
        RuntimeError: If another process holds it.
    """
    file = open(Path(work_dir) / '.training', 'a+')  # noqa: SIM115  it stays open
    try:
        # Unlike flock's, these locks are not inherited by data loading workers, which
        # outlive a killed process for some seconds.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.seek(0)
        raise RuntimeError(
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
