"""The data of classifiers: images of one class each, as a config names them."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config, ConfigDict
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, init_default_scope
from mmengine.utils import import_modules_from_strings

from mmreviewkd.classification.datasets.indices import chosen
from mmreviewkd.datasets.class_names import class_names, parts
from mmreviewkd.names import counted

from .errors import JobError
from .fit_data import LOADERS

_FIELDS = ('root', 'data_root')


class ImagePart(NamedTuple):
    """Training or validation part.

    Args:
        images (int): Number of images in an epoch.
        sets (tuple[int, ...]): Number of images of each data set that it is joined of,
            or that it repeats. Defaults to (): there is one, with all the images.
    """

    images: int
    sets: tuple[int, ...] = ()

    @property
    def instances(self) -> int:
        """int: Number of labels: one an image."""
        return self.images


@dataclass(frozen=True)
class LabeledImages:
    """A data set of images with their classes.

    Args:
        root (Path): Its folder, absolute.
        train (ImagePart): The training part.
        val (ImagePart): The validation part.
        classes (tuple[str]): Names of the classes, in order.
        found (str): What was found, in a sentence.
        notes (list[str]): What the user should know. Defaults to [].
    """

    root: Path
    train: ImagePart
    val: ImagePart
    classes: tuple[str, ...]
    found: str
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        classes = counted(len(self.classes), 'class', 'classes')
        images = f'{self.train.images} + {self.val.images} images'
        return f'{self.root.name}: {images}, {classes}'


def open_labeled_images(cfg: Config, folder: Path | None) -> LabeledImages:
    """Open the data sets of a classifier's config.

    Args:
        cfg (Config): Config of its training.
        folder (Path, optional): The folder in the place of the config's ``data_root``.
            Defaults to None: as configured.

    Raises:
        JobError: If the config has no ``data_root`` to put the folder in the place of,
            no data for the validation, or data without names of classes.
        UsageError: If the data are not there.
    """
    cfg = copy.deepcopy(cfg)
    import_modules_from_strings(**cfg.get('custom_imports', dict(imports=[])))
    init_default_scope(cfg.get('default_scope') or 'mmengine')
    root = Path(folder or cfg.get('data_root') or '.').resolve()
    move_data(cfg, root)
    train, val = (
        DATASETS.build(cfg[loader].dataset)
        for loader in ('train_dataloader', 'val_dataloader')
    )
    kind = type(next(part for _, part in parts(train, ''))).__name__
    classes = tuple(class_names(train) or ())
    if not classes:
        raise JobError(
            f'{kind} does not say what its classes are called; set '
            'metainfo=dict(classes=(...)) in the config of each data set'
        )
    number = counted(len(classes), 'class', 'classes')
    return LabeledImages(
        root,
        _count(train),
        _count(val),
        classes,
        f'found {kind} of {number} in {root.name}',
    )


def fit_images(
    cfg: Config, data: LabeledImages, max_images: Sequence[int] | None = None
) -> None:
    """Set the data sets of a classifier's config.

    Args:
        cfg (Config): Config of its training, which is changed.
        data (LabeledImages): The data set.
        max_images (Sequence[int], optional): Use so many images for training and
            for validation at most, spread evenly. Defaults to None: all.

    Raises:
        JobError: See :func:`move_data`.
    """
    move_data(cfg, data.root)
    limits = max_images or (data.train.images, data.val.images)
    for loader, part, limit in (
        ('train_dataloader', data.train, limits[0]),
        ('val_dataloader', data.val, limits[1]),
        ('test_dataloader', data.val, limits[1]),
    ):
        if limit < part.images:
            _take(cfg[loader].dataset, part, limit)


def _count(dataset: Any) -> ImagePart:
    return ImagePart(len(dataset), tuple(len(one) for _, one in parts(dataset, '')))


def _take(dataset: ConfigDict, part: ImagePart, limit: int) -> None:
    """Limit the data sets of a part; each keeps its share."""
    sets = part.sets or (part.images,)
    for (_, config), total in zip(parts(dataset, ''), sets, strict=True):
        count = max(1, limit * total // part.images)
        kind = config.type
        if isinstance(kind, str):
            with DATASETS.switch_scope_and_registry(config.get('_scope_')) as registry:
                kind = registry.get(kind)
        if not (isinstance(kind, type) and issubclass(kind, BaseDataset)):
            # This project's spread them evenly themselves.
            config.indices = count
            continue
        # MMEngine's would take the first ones, which are often all of one class.
        former, taken = config.get('indices'), chosen(count, total)
        if isinstance(former, list | tuple):
            taken = [former[index] for index in taken]
        config.indices = taken


def move_data(cfg: Config, root: Path) -> None:
    """Put a folder in the place of a config's ``data_root``, in all data sets.

    A config without data for a test gets those of the validation.

    Raises:
        JobError: If the config has no ``data_root``, no data set lies there, or there
            are no data for the validation.
    """
    if not cfg.get('val_dataloader'):
        raise JobError('the config of the classifier has no val_dataloader')
    if not cfg.get('test_dataloader'):
        for field in ('dataloader', 'evaluator'):
            cfg[f'test_{field}'] = copy.deepcopy(cfg.get(f'val_{field}'))
        cfg.test_cfg = dict()
    old = cfg.get('data_root')
    moved = 0
    for loader in LOADERS:
        for _, dataset in parts(cfg[loader].dataset, loader):
            for key in _FIELDS:
                place = dataset.get(key)
                if old and isinstance(place, str) and place.startswith(old):
                    dataset[key] = f'{root}{place[len(old) :]}'
                    moved += 1
    if not moved:
        raise JobError(
            'the config of the classifier has no data_root that its data sets are in; '
            'set it, and root or data_root of each data set by it'
        )
    cfg.data_root = str(root)
