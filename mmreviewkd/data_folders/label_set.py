"""A data set with one label file an image, before it becomes one in COCO format."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmreviewkd.names import counted


class Labelled(NamedTuple):
    """An image and its label file; None where it has none, and so no objects."""

    image: Path
    label: Path | None


class Thing(NamedTuple):
    """An object as a label file has it.

    Args:
        name (str): Its class.
        xyxy (np.ndarray): Left, top, right and bottom, in pixels (4,).
        mask (np.ndarray, optional): Its mask (H, W), bool.
    """

    name: str
    xyxy: np.ndarray
    mask: np.ndarray | None


def things(found: Any, names: Sequence[str]) -> Iterator[Thing]:
    """The objects of ``supervision.Detections``, whose numbers stand for names."""
    for index, number in enumerate(found.class_id):
        if not 0 <= number < len(names):
            many = counted(len(names), 'class', 'classes')
            raise ValueError(f'there are {many}, but it has the number {number}')
        mask = None if found.mask is None else found.mask[index]
        yield Thing(names[number], found.xyxy[index], mask)


@dataclass
class LabelSet:
    """A set with label files of one kind.

    Args:
        kind (str): Name of the format.
        parts (dict): Images of ``'train'`` and, where the set has it, of ``'val'``.
        read (Callable): Reads the objects of a label file, given it and the image's
            width and height. It raises ValueError where something is wrong.
        sources (list[Path]): All files beside the images that say something.
        classes (Sequence[str], optional): Names of the classes, in order. Defaults to
            None: those that occur, sorted.
        notes (list[str]): What is to be said.
    """

    kind: str
    parts: dict[str, list[Labelled]]
    read: Callable[[Path, int, int], Iterable[Thing]]
    sources: list[Path]
    classes: Sequence[str] | None = None
    notes: list[str] = field(default_factory=list)
