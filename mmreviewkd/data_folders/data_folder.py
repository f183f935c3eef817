"""A data set that is ready for MMDetection."""

from dataclasses import dataclass
from pathlib import Path

from mmreviewkd.names import counted


@dataclass(frozen=True)
class Split:
    """Training or validation part of a data set.

    Args:
        ann_file (str): Annotation file in COCO format, relative to the data set's root
            or absolute.
        img_prefix (str): Folder of the images, relative to the root or absolute.
        images (int): Number of images.
        instances (int): Number of instances of the classes used, without crowds.
        first (int): Place of the first image with such an instance, counted from 1.
            Defaults to 1.
    """

    ann_file: str
    img_prefix: str
    images: int
    instances: int
    first: int = 1


@dataclass(frozen=True)
class DataFolder:
    """A data set with its parts, classes and what is to be said of it.

    Args:
        root (Path): The folder, absolute.
        train (Split): The training part.
        val (Split): The validation part.
        classes (tuple[str]): Names of the classes used, in the order in which
            MMDetection numbers them: that of the annotation file.
        has_masks (bool): Whether every instance has a mask.
        max_side (int): The longest side of all images, in pixels.
        found (str): What was found, in a sentence.
        notes (list[str]): What the user should know, but need not mend.
    """

    root: Path
    train: Split
    val: Split
    classes: tuple[str, ...]
    has_masks: bool
    max_side: int
    found: str
    notes: list[str]

    def __str__(self) -> str:
        masks = 'masks' if self.has_masks else 'boxes only'
        return (
            f'{self.root.name}: {self.train.images} + {self.val.images} images, '
            f'{counted(len(self.classes), "class", "classes")}, '
            f'{self.train.instances} + {self.val.instances} instances, {masks}'
        )
