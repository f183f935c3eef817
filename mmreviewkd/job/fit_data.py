"""Fitting a config to a data set: files, classes, evaluator."""

from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.config import Config, ConfigDict

from mmreviewkd.data_folders import DataFolder
from mmreviewkd.names import counted
from mmreviewkd.results.kinds import COCO, KINDS
from mmreviewkd.task import classifies, metric_configs
from mmreviewkd.type_names import type_name

from .errors import JobError

# Of the user's CocoMetric: with them, scores have other names or there are none.
_RENAMING = ('prefix', 'format_only', 'metric_items')
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def metrics_of(cfg: Config) -> list[str]:
    """List what a config evaluates of ``'bbox'`` and ``'segm'``."""
    found: list[str] = []
    for one in metric_configs(cfg.get('val_evaluator')):
        metric = one.get('metric', 'bbox' if _is_coco(one) else ())
        found += [metric] if isinstance(metric, str) else metric
    return [kind for kind in ('bbox', 'segm') if kind in found] or ['bbox']


def other_metrics(cfg: Config) -> list[str]:
    """List the types of the metrics that :func:`fit_data` leaves out."""
    return [
        type_name(one)
        for key in ('val_evaluator', 'test_evaluator')
        for one in metric_configs(cfg.get(key))
        if not _is_coco(one)
    ]


def kinds_of(cfg: Config) -> tuple[str, ...]:
    """Give the kinds of scores that a config evaluates, of :data:`KINDS`."""
    if classifies(cfg):
        return ('top-1',)
    metrics = metrics_of(cfg)
    return tuple(kind for kind, name in COCO.items() if name in metrics)


def main_metric(cfg: Config) -> str:
    """Give the name of the metric by which a run's epochs are compared."""
    return KINDS[kinds_of(cfg)[0]].metric


def fit_data(
    cfg: Config, data: DataFolder, max_images: Sequence[int] | None = None
) -> None:
    """Set data sets and evaluators; pipelines stay as they are.

    Args:
        cfg (Config): Config of a training, which is changed.
        data (DataFolder): The data set.
        max_images (Sequence[int], optional): Use so many images for training and
            for validation at most. Defaults to None: all.

    Raises:
        JobError: If the detector needs masks and the data has none, or no image that
            is used for validation has an object.
    """
    masks = 'mask' in kinds_of(cfg)
    if masks and not data.has_masks:
        raise JobError(
            f'the {cfg.model.type} learns masks, but {data.root.name} has boxes only; '
            'take a detector of boxes, such as a Faster R-CNN'
        )
    metric = metrics_of(cfg)
    limits = max_images or (data.train.images, data.val.images)
    # MMDetection takes the first ones.
    if limits[1] < data.val.first:
        raise JobError(
            f'none of the first {counted(limits[1], "image")} for validation has an '
            f'object, so there is no AP; write --max-images {limits[0]} '
            f'{data.val.first}, or more'
        )
    if not cfg.get('val_dataloader'):
        raise JobError(f'the config of the {cfg.model.type} has no val_dataloader')
    cfg.setdefault('test_dataloader', cfg.val_dataloader)
    for loader, split, limit in (
        ('train_dataloader', data.train, limits[0]),
        ('val_dataloader', data.val, limits[1]),
        ('test_dataloader', data.val, limits[1]),
    ):
        dataset = _innermost(cfg[loader])
        if 'Coco' not in type_name(dataset):
            keep = ('pipeline', 'filter_cfg', 'test_mode', 'backend_args')
            others = [key for key in dataset if key not in keep]
            for key in others:
                del dataset[key]
            dataset.type = 'CocoDataset'
        dataset.update(
            data_root=f'{data.root}/',
            ann_file=split.ann_file,
            data_prefix=dict(img=split.img_prefix),
            metainfo=dict(classes=data.classes),
        )
        if limit < split.images:
            dataset.indices = limit
    for transform in transforms(cfg):
        if type_name(transform) == 'LoadAnnotations':
            transform.with_mask = masks
    cfg.data_root = f'{data.root}/'
    for key in ('val_evaluator', 'test_evaluator'):
        # One measures boxes and masks; it keeps its fields.
        coco = [one for one in metric_configs(cfg.get(key)) if _is_coco(one)]
        new = coco[0] if coco else ConfigDict(type='CocoMetric')
        for field in _RENAMING:
            new.pop(field, None)
        new.update(ann_file=str(data.root / data.val.ann_file), metric=metric)
        cfg[key] = new
    for key in ('val_cfg', 'test_cfg'):
        if not cfg.get(key):
            cfg[key] = dict(type='ValLoop' if key == 'val_cfg' else 'TestLoop')


def transforms(cfg: Config) -> Iterator[ConfigDict]:
    """Yield the transforms of all pipelines, those within others too."""
    for loader in LOADERS:
        yield from _of_pipelines((cfg.get(loader) or {}).get('dataset'))
    yield from _of_pipelines(cfg.get('custom_hooks'))


def _of_pipelines(value: Any, within: bool = False) -> Iterator[ConfigDict]:
    if isinstance(value, dict):
        if within and 'type' in value:
            yield value
        for key, part in value.items():
            inside = within or key in ('pipeline', 'switch_pipeline')
            yield from _of_pipelines(part, inside)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _of_pipelines(part, within)


def _innermost(loader: ConfigDict) -> ConfigDict:
    """Take a data set out of RepeatDataset, MultiImageMixDataset and the like.

    The first of several that are joined stands for all.
    """
    holder, key = loader, 'dataset'
    while True:
        dataset = holder[key]
        if dataset.get('datasets'):
            holder[key] = dataset.datasets[0]
        elif 'dataset' in dataset:
            holder, key = dataset, 'dataset'
        else:
            return dataset


def _is_coco(metric: dict) -> bool:
    return type_name(metric) == 'CocoMetric'
