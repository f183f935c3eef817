"""The data of classifiers: images of one class each, as a config names them."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS, init_default_scope
from mmengine.utils import import_modules_from_strings

from mmreviewkd.names import counted

from .errors import JobError
from .fit_data import LOADERS

_FIELDS = ('root', 'data_root')


class ImagePart(NamedTuple):
    """Training or validation part.

    Args:
        images (int): Number of images.
    """

    images: int

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
        JobError: If the config has no ``data_root`` to put the folder in the place of.
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
    classes = tuple(train.metainfo['classes'])
    kind = type(train).__name__
    number = counted(len(classes), 'class', 'classes')
    return LabeledImages(
        root,
        ImagePart(len(train)),
        ImagePart(len(val)),
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
            for validation at most. Defaults to None: all.

    Raises:
        JobError: If the config has no ``data_root``.
    """
    move_data(cfg, data.root)
    limits = max_images or (data.train.images, data.val.images)
    for loader, part, limit in (
        ('train_dataloader', data.train, limits[0]),
        ('val_dataloader', data.val, limits[1]),
        ('test_dataloader', data.val, limits[1]),
    ):
        if limit < part.images:
            cfg[loader].dataset.indices = limit


def move_data(cfg: Config, root: Path) -> None:
    """Put a folder in the place of a config's ``data_root``, in all data sets.

    Raises:
        JobError: If the config has no ``data_root``, or no data set lies there.
    """
    old = cfg.get('data_root')
    moved = 0
    for loader in LOADERS:
        dataset: ConfigDict = cfg[loader].dataset
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
