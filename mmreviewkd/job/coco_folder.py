"""A folder with a detection data set in COCO format."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mmreviewkd.names import counted, printable
from mmreviewkd.preflight.coco_file import (
    Coco,
    has_mask,
    is_file,
    missing_images,
    read_coco,
)
from mmreviewkd.preflight.findings import Findings

from .errors import JobError


class Layout(NamedTuple):
    """Where a usual layout keeps things; ``{}`` stands for the split's name."""

    annotations: str
    images: tuple[str, ...]
    splits: tuple[str, str]


LAYOUTS = (
    Layout(
        'annotations/instances_{}.json',
        ('images', 'images/{}', '{}', '{}2017', ''),
        ('train', 'val'),
    ),
    Layout(
        'annotations/instances_{}.json',
        ('{}', 'images/{}', 'images', ''),
        ('train2017', 'val2017'),
    ),
    Layout('{}/_annotations.coco.json', ('{}', '{}/images'), ('train', 'valid')),
)


@dataclass(frozen=True)
class Split:
    """Training or validation part of a data set.

    Args:
        ann_file (str): Annotation file, relative to the data set's root.
        img_prefix (str): Folder of the images, relative to the root.
        images (int): Number of images.
        instances (int): Number of instances of the classes used.
    """

    ann_file: str
    img_prefix: str
    images: int
    instances: int


class CocoFolder:
    """Finds annotations, images and classes in a folder, and checks them.

    Args:
        root (str | Path): The folder, in one of :data:`LAYOUTS`.
        classes (Sequence[str], optional): The classes to use. Defaults to None:
            all classes of the annotation file.

    Attributes:
        root (Path): The folder, absolute.
        train (Split): The training part.
        val (Split): The validation part.
        classes (tuple[str]): Names of the classes used, in the order in which
            MMDetection numbers them: that of the annotation file.
        has_masks (bool): Whether every instance has a mask.
        max_side (int): The longest side of all images, in pixels.
        notes (list[str]): What the user should know, but need not mend.

    Raises:
        JobError: If something is missing or wrong.
    """

    def __init__(self, root: str | Path, classes: Sequence[str] | None = None) -> None:
        self.root = Path(root).resolve()
        self.notes: list[str] = []
        layout = self._find_layout()
        names = [layout.annotations.format(split) for split in layout.splits]
        train, val = (self._read(name) for name in names)
        self.classes = self._choose_classes(train, names[0], classes)
        if self._choose_classes(val, names[1], self.classes) != self.classes:
            raise JobError(
                f'{names[0]} and {names[1]} list their categories in different '
                'orders, which MMDetection would mix up; give both the same order'
            )
        self.train, self.val = (
            self._check_split(coco, name, split, layout)
            for coco, name, split in zip(
                (train, val), names, layout.splits, strict=True
            )
        )
        self.has_masks = self._check_masks(train, val)
        sides = [
            side
            for image in train.images + val.images
            for side in (image['width'], image['height'])
        ]
        self.max_side = math.ceil(max(sides))

    def __str__(self) -> str:
        masks = 'masks' if self.has_masks else 'boxes only'
        return (
            f'{self.root.name}: {self.train.images} + {self.val.images} images, '
            f'{counted(len(self.classes), "class", "classes")}, '
            f'{self.train.instances} + {self.val.instances} instances, {masks}'
        )

    def _find_layout(self) -> Layout:
        if not self.root.is_dir():
            raise JobError(f'there is no folder {self.root}')
        for layout in LAYOUTS:
            names = [layout.annotations.format(split) for split in layout.splits]
            if all((self.root / name).is_file() for name in names):
                return layout
        looked_for = '\n'.join(
            '  ' + ' and '.join(layout.annotations.format(s) for s in layout.splits)
            for layout in LAYOUTS
        )
        raise JobError(
            f'{self.root} has no COCO annotations for training and validation; '
            f'looked for\n{looked_for}'
        )

    def _read(self, name: str) -> Coco:
        found = Findings()
        coco = read_coco(self.root / name, name, found)
        if coco is None or found.problems:
            raise JobError(found.problems[0])
        if not coco.images:
            raise JobError(f'{name} lists no images')
        return coco

    def _choose_classes(
        self, coco: Coco, name: str, wanted: Sequence[str] | None
    ) -> tuple[str, ...]:
        present = [category['name'] for category in coco.categories]
        listing = _listed(present) or 'none'
        unknown = [cls for cls in wanted or () if cls not in present]
        if unknown:
            raise JobError(
                f'{name} has no class {_listed(unknown)}; its classes: {listing}'
            )
        chosen = tuple(cls for cls in present if wanted is None or cls in wanted)
        if len(set(chosen)) < len(chosen) or not chosen:
            raise JobError(
                f'{name} needs categories with different names; got: {listing}'
            )
        return chosen

    def _annotations(self, coco: Coco) -> list[tuple[str, dict]]:
        """The annotations of the classes used, each with its class."""
        names = {c['id']: c['name'] for c in coco.categories}
        pairs = [(names.get(ann['category_id']), ann) for ann in coco.annotations]
        return [(name, ann) for name, ann in pairs if name in self.classes]

    def _check_split(self, coco: Coco, name: str, split: str, layout: Layout) -> Split:
        counts = Counter(cls for cls, _ in self._annotations(coco))
        without = _listed(cls for cls in self.classes if not counts[cls])
        if not counts:
            raise JobError(f'{name} has no instance of its classes: {without}')
        if without:
            self.notes.append(f'{name} has no instance of {without}')
        return Split(
            ann_file=name,
            img_prefix=self._find_images(coco, name, split, layout),
            images=len(coco.images),
            instances=counts.total(),
        )

    def _find_images(self, coco: Coco, name: str, split: str, layout: Layout) -> str:
        first = coco.images[0]['file_name']
        folders = [folder.format(split) for folder in layout.images]
        for folder in folders:
            if is_file(self.root / folder / first):
                break
        else:
            looked_in = ', '.join(folder or '.' for folder in folders)
            raise JobError(
                f'{name}: the image {printable(first)} is in none of the folders '
                f'{looked_in} of {self.root}'
            )
        found = Findings()
        if missing_images(coco.images, self.root / folder, name, found):
            raise JobError(found.problems[0])
        return f'{folder}/' if folder else ''

    def _check_masks(self, *cocos: Coco) -> bool:
        found = {has_mask(ann) for coco in cocos for _, ann in self._annotations(coco)}
        if found == {True, False}:
            self.notes.append('some instances have no mask: only boxes are used')
        return found == {True}


def _listed(names: Iterable[str]) -> str:
    return ', '.join(map(printable, names))
