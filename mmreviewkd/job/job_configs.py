"""The configs of teacher, student and distilled student, fitted to the data."""

import copy
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmreviewkd.data_folders import DataFolder
from mmreviewkd.distillers import resolve_model_config

from .options import options_for

DETECTORS = ('student', 'teacher')
IMAGE_SIZE = 224


def load_configs(
    configs: Path,
    data: DataFolder,
    epochs: int | None = None,
    teacher_epochs: int | None = None,
    image_size: int | None = None,
    options: dict[str, Any] | None = None,
    max_images: tuple[int, int] | None = None,
) -> dict[str, Config]:
    """Read the configs and fit them to the data.

    Args:
        configs (Path): Folder of ``{frcnn,mrcnn}_{teacher,student}.py`` and
            ``reviewkd_{frcnn,mrcnn}.py``.
        data (DataFolder): The data set; Mask R-CNN is used where it has masks.
        epochs (int, optional): Epochs of each run but the teacher's. Defaults to
            None: as configured.
        teacher_epochs (int, optional): Epochs of the teacher's run. Defaults to
            None: as configured.
        image_size (int, optional): Scale images to this longest side, in pixels.
            Defaults to None: :data:`IMAGE_SIZE`, or the longest side of all
            images where that is less.
        options (dict, optional): Changes by dotted keys, named as in the config
            of the distilled run: ``model.student`` and ``model.teacher`` go to
            the detectors' own runs too, all that is outside of ``model`` goes to
            all runs. Defaults to None.
        max_images (tuple[int, int], optional): Use so many images for training
            and for validation at most. Defaults to None: all.

    Returns:
        dict[str, Config]: The configs of ``'teacher'``, ``'student'`` and
        ``'distilled'``.

    Raises:
        JobError: If an option does not exist.
    """
    cfgs = {}
    for name in ('teacher', 'student', 'distilled'):
        cfg = cfgs[name] = _load(configs, name, data)
        _set_data(cfg, data, image_size or min(IMAGE_SIZE, data.max_side), max_images)
        cfg.train_cfg.max_epochs = (
            teacher_epochs if name == 'teacher' else epochs
        ) or cfg.train_cfg.max_epochs
        # MMEngine changes what it merges.
        own = copy.deepcopy(options_for(name, cfg, options or {}))
        cfg.merge_from_dict(own)
    return cfgs


def _load(configs: Path, name: str, data: DataFolder) -> Config:
    """Read a run's config, with whole models that have the data's classes."""
    detector = 'mrcnn' if data.has_masks else 'frcnn'
    if name in DETECTORS:
        cfg = Config.fromfile(configs / f'{detector}_{name}.py')
        models = [cfg.model]
    else:
        cfg = Config.fromfile(configs / f'reviewkd_{detector}.py')
        for key in DETECTORS:
            cfg.model[key] = resolve_model_config(cfg.model[key])
        models = [cfg.model[key] for key in DETECTORS]
    for model in models:
        for part in (model, model.get('roi_head') or {}):
            for key in ('bbox_head', 'mask_head'):
                heads = part.get(key) or []
                for head in heads if isinstance(heads, list) else [heads]:
                    head.num_classes = len(data.classes)
    # MMEngine removes the oldest before it writes the newest.
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=2)
    return cfg


def _set_data(
    cfg: Config,
    data: DataFolder,
    image_size: int,
    max_images: tuple[int, int] | None,
) -> None:
    limits = max_images or (data.train.images, data.val.images)
    for loader, split, limit in (
        ('train_dataloader', data.train, limits[0]),
        ('val_dataloader', data.val, limits[1]),
        ('test_dataloader', data.val, limits[1]),
    ):
        dataset = cfg[loader].dataset
        while 'dataset' in dataset:  # RepeatDataset and the like
            dataset = dataset.dataset
        dataset.update(
            data_root=f'{data.root}/',
            ann_file=split.ann_file,
            data_prefix=dict(img=split.img_prefix),
            metainfo=dict(classes=data.classes),
        )
        if limit < split.images:
            dataset.indices = limit
        for transform in dataset.pipeline:
            if transform.type == 'LoadAnnotations':
                transform.with_mask = data.has_masks
            if transform.type == 'Resize':
                transform.scale = (image_size, image_size)
    cfg.data_root = f'{data.root}/'
    for key in ('val_evaluator', 'test_evaluator'):
        cfg[key].ann_file = str(data.root / data.val.ann_file)
        cfg[key].metric = ['bbox', 'segm'] if data.has_masks else ['bbox']
