"""A few samples of the data sets, as training and evaluation get them."""

from collections.abc import Sequence
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmreviewkd.datasets.class_names import class_names
from mmreviewkd.names import counted

from .attempt import attempt
from .findings import Findings

_FEW = 8
_EMPTY = 'the data set has no sample, or all of them are filtered out'


def build_loaders(cfg: Config, found: Findings) -> dict[str, DataLoader]:
    """Build the data loaders of training and validation, and look at some samples.

    Args:
        cfg (Config): Config of a run.
        found (Findings): Gets a problem for each that fails.

    Returns:
        dict[str, DataLoader]: By name, those that can be built.
    """
    loaders: dict[str, DataLoader] = {}

    def build() -> None:
        try:
            loaders[name] = Runner.build_dataloader(cfg[name], seed=0)
        except ValueError as error:
            # What comes of an empty list, in NumPy's words.
            if 'need at least one array' not in str(error):
                raise
            raise ValueError(_EMPTY) from error

    for name in ('train_dataloader', 'val_dataloader'):
        if cfg.get(name) and attempt(f'{name} cannot be built', build, found):
            _check_samples(loaders[name].dataset, name, found)
    return loaders


def _check_samples(dataset: Any, name: str, found: Findings) -> None:
    if not hasattr(dataset, '__len__'):
        return  # a stream
    total, classes = len(dataset), class_names(dataset)
    kind = type(dataset).__name__
    if not total:
        found.problem(f'{name}: {_EMPTY} ({kind})')
        return
    of = f' of {counted(len(classes), "class", "classes")}' if classes else ''
    found.note(f'{name}: {kind} with {counted(total, "sample")}{of}')
    # The first, the last, and some in between.
    chosen = {part * (total - 1) // (_FEW - 1) for part in range(_FEW)}

    def check() -> None:
        _check_labels(dataset[index], f'{name}: sample {index}', classes, found)

    for index in sorted(chosen):
        if not attempt(f'{name}: sample {index} cannot be read', check, found):
            return


def _check_labels(
    sample: Any, what: str, classes: Sequence[str] | None, found: Findings
) -> None:
    instances = getattr(sample['data_samples'], 'gt_instances', None)
    if not classes or instances is None or 'labels' not in instances:
        return
    wrong = [
        label for label in instances.labels.tolist() if not 0 <= label < len(classes)
    ]
    if wrong:
        number = counted(len(classes), 'class', 'classes')
        found.problem(f'{what} has labels beyond the {number} of the data set', wrong)
