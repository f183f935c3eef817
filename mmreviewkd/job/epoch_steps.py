"""How many steps an epoch of a training has."""

import copy
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS, init_default_scope
from mmengine.runner import Runner
from mmengine.utils import import_modules_from_strings

from .quiet import quiet


class EpochSteps:
    """Counts the steps of an epoch from the data set as a run builds it.

    So images that the data set filters do not count, and what it repeats counts as
    often. Trainings that have the same data set share it.

    Args:
        processes (int): How many processes train together. Defaults to 1.
    """

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._datasets: dict[str, Any] = {}

    def count(self, cfg: Config) -> int:
        """Count the steps of an epoch.

        Args:
            cfg (Config): Config of a training.

        Returns:
            int: At least 1. 1 where the data cannot be built: the trial of the runs
            tells that, with all else that is wrong.
        """
        import_modules_from_strings(**cfg.get('custom_imports', dict(imports=[])))
        init_default_scope(cfg.get('default_scope') or 'mmdet')
        with quiet():
            try:
                return max(1, self._count(copy.deepcopy(cfg.train_dataloader)))
            except Exception:  # what a config names can fail in any way
                return 1

    def _count(self, loader: ConfigDict) -> int:
        # Nothing is loaded here.
        loader.update(num_workers=0, persistent_workers=False)
        loader.pop('prefetch_factor', None)
        # Samplers share the images among processes, of which there is one as yet.
        loader.batch_size *= self._processes
        _drop_pipelines(loader.dataset)
        key = str(loader.dataset)
        if key not in self._datasets:
            self._datasets[key] = DATASETS.build(loader.dataset)
        loader = loader.to_dict() | dict(dataset=self._datasets[key])
        return len(Runner.build_dataloader(loader, seed=0))


def _drop_pipelines(value: Any) -> None:
    """Empty the pipelines, which do not change how many images there are."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key == 'pipeline':
                value[key] = []
            else:
                _drop_pipelines(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _drop_pipelines(part)
