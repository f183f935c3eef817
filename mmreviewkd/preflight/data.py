"""The data sets of a config, and the annotation files of those like COCO."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmdet.datasets import CocoDataset
from mmdet.registry import DATASETS
from mmengine.config import Config, ConfigDict
from mmengine.fileio import list_from_file

from mmreviewkd.datasets.class_names import check_class_names, parts
from mmreviewkd.errors import UsageError
from mmreviewkd.task import metric_configs

from .annotations import read_and_check
from .category_order import check_order
from .findings import Findings

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def check_files(cfg: Config, sample: int, found: Findings) -> None:
    """Check classes, annotation files and images, before a data set is built.

    Args:
        cfg (Config): Config of a run.
        sample (int): Read so many images of each annotation file at most.
        found (Findings): Gets what is wrong. Other data sets than those like COCO have
            files of their own kinds: building them shows whether they are right.
    """
    lists, orders = [], {}
    for place, dataset in _parts(cfg):
        kind = _kind(dataset)
        names = _classes(dataset, kind)
        if not dataset.get('return_classes'):
            lists.append((place, names))
        if isinstance(names, str) or not _is_like_coco(kind, dataset):
            continue
        key = (*_files(dataset), names)
        if key not in orders:
            orders[key] = read_and_check(*key, _with_mask(dataset), sample, found)
    try:
        check_class_names(lists)
    except UsageError as error:
        found.problem(str(error))
    check_order([order for order in orders.values() if order], found)
    _check_evaluators(cfg, found)


def _parts(cfg: Config) -> Iterator[tuple[str, ConfigDict]]:
    """All data sets of all loaders, out of what they may be wrapped in."""
    for loader in LOADERS:
        dataset = (cfg.get(loader) or {}).get('dataset')
        for place, part in parts(dataset, f'{loader}.dataset'):
            if isinstance(part, Mapping):
                yield place, part


def _kind(dataset: ConfigDict) -> Any:
    """Class of a data set; None if no registry knows it, which building it tells."""
    kind = dataset.get('type')
    return DATASETS.get(kind) if isinstance(kind, str) else kind


def _is_like_coco(kind: Any, dataset: ConfigDict) -> bool:
    """Whether its annotations are read as those of ``CocoDataset``."""
    return (
        isinstance(kind, type)
        and issubclass(kind, CocoDataset)
        and all(
            getattr(kind, name) is getattr(CocoDataset, name)
            for name in ('load_data_list', 'parse_data_info')
        )
        and bool(dataset.get('ann_file'))
    )


def _files(dataset: ConfigDict) -> tuple[str, str]:
    """Annotation file and folder of images."""
    root = Path(dataset.get('data_root') or '')
    prefix = dataset.get('data_prefix') or {}
    images = prefix.get('img') or prefix.get('img_path') or ''
    return str(root / dataset.ann_file), str(root / images)


def _classes(dataset: ConfigDict, kind: Any) -> tuple[str, ...] | str | None:
    """Names of the classes; a string where the config has one that is no file."""
    own = (dataset.get('metainfo') or {}).get('classes')
    if own is None:
        own = getattr(kind, 'METAINFO', {}).get('classes')
    if isinstance(own, str):
        try:
            own = list_from_file(own)
        except (OSError, TypeError):
            return own
    return own and tuple(own)


def _with_mask(dataset: ConfigDict) -> bool:
    return any(
        transform.get('with_mask', False) for transform in dataset.get('pipeline') or []
    )


def _check_evaluators(cfg: Config, found: Findings) -> None:
    for name in ('val', 'test'):
        for evaluator in metric_configs(cfg.get(f'{name}_evaluator')):
            theirs = evaluator.get('ann_file')
            for place, dataset in _parts(cfg):
                if not place.startswith(f'{name}_') or not dataset.get('ann_file'):
                    continue
                own, _ = _files(dataset)
                if theirs and Path(theirs).resolve() != Path(own).resolve():
                    found.problem(
                        f'{name}_evaluator.ann_file is {str(theirs)!r}, but '
                        f'{name}_dataloader reads {own!r}: AP would be that of other '
                        'images'
                    )
