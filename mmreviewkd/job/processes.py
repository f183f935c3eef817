"""Several processes that train together, one for each GPU."""

import logging
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import init_dist
from mmengine.hooks import Hook
from mmengine.utils import import_modules_from_strings
from torch import distributed

from mmreviewkd.launch import join_on_cpu

from .errors import JobError
from .plan import Run
from .runs import train

# Rank and number of processes, as launchers tell them.
_VARIABLES = {
    'pytorch': ('RANK', 'WORLD_SIZE'),
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE'),
}
LAUNCHERS = ('none', *_VARIABLES)
_PATIENCE = timedelta(days=30)


def rank_and_size(launcher: str) -> tuple[int, int]:
    """Tell which process of how many this is, before they are joined.

    Args:
        launcher (str): One of :data:`LAUNCHERS`.

    Raises:
        JobError: If this process was not started by that launcher.
    """
    if launcher == 'none':
        return 0, 1
    names = _VARIABLES[launcher]
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise JobError(
            f'--launcher {launcher}: {missing[0]} is not set; start the command by '
            'that launcher, such as torchrun --nproc_per_node 2'
        )
    return int(os.environ[names[0]]), int(os.environ[names[1]])


class Team:
    """The processes of a job.

    The first decides what is done and talks; the others train what it trains.

    Args:
        launcher (str): One of :data:`LAUNCHERS` but ``'none'``.

    Attributes:
        fields (dict[str, Any]): Fields of a run's config that join its processes.
    """

    def __init__(self, launcher: str) -> None:
        cfg = Config(dict(launcher=launcher))
        os.environ.setdefault('LOCAL_RANK', '0')
        if torch.cuda.is_available():
            init_dist(launcher)
        else:
            join_on_cpu(cfg)
        self.fields: dict[str, Any] = cfg.to_dict()
        # The others wait as long as a whole run of another job takes.
        self._group: Any = distributed.new_group(backend='gloo', timeout=_PATIENCE)

    def lead(self, what: Any) -> None:
        """Tell the others what to do next."""
        distributed.broadcast_object_list([what], src=0, group=self._group)

    def follow(self) -> None:
        """Do what the first process says, until the job ends."""
        runs: Sequence[Run] = self._told()
        for run in runs:
            import_modules_from_strings(**run.config.custom_imports)
        while (index := self._told()) is not None:
            train(runs[index], Hook(), logging.NullHandler(), self.fields)
        self.leave()

    def leave(self) -> None:
        """Take the processes apart."""
        distributed.destroy_process_group()

    def _told(self) -> Any:
        told = [None]
        distributed.broadcast_object_list(told, src=0, group=self._group)
        return told[0]
