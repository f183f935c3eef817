"""From label files to COCO format."""

import importlib.util
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as mask_utils

from mmreviewkd.names import counted, printable

from .errors import DataError
from .fraction import divide
from .label_set import Labelled, LabelSet

_QUARTER_TURNS = (5, 6, 7, 8)
_ORIENTATION = 0x0112
_FIRST = 3


def check_converter(kind: str) -> None:
    """Refuse a format whose reader is not installed.

    Raises:
        DataError: If it is not.
    """
    if importlib.util.find_spec('supervision') is None:
        raise DataError(
            f'reading {kind} data needs supervision: pip install mmreviewkd[data], or '
            'pip install supervision; or export the data set in COCO format'
        )


def convert(
    labels: LabelSet, fraction: float | None
) -> tuple[list[dict[str, Any]], list[str]]:
    """Convert a set, and divide it where it has one part only.

    Args:
        labels (LabelSet): The set.
        fraction (float, optional): Share of the images for validation, where the set
            has no part for it.

    Returns:
        tuple[list[dict], list[str]]: Contents of the annotation files for training and
        validation, with paths of the images relative to :func:`image_root`, and notes.

    Raises:
        DataError: If an image or a label file cannot be read.
    """
    notes = list(labels.notes)
    train, val = labels.parts['train'], labels.parts.get('val')
    if val is None:
        assert fraction is not None
        train, val = divide(train, fraction)
    root = image_root(labels)
    contents = [_convert_part(part, labels, root) for part in (train, val)]
    names = Counter(
        ann['category_id'] for coco in contents for ann in coco['annotations']
    )
    classes = list(labels.classes or sorted(names))
    if not names:
        raise DataError(f'no label file of this {labels.kind} data set has an object')
    numbers = {name: number for number, name in enumerate(classes, 1)}
    for coco in contents:
        coco['categories'] = [dict(id=numbers[name], name=name) for name in classes]
        for ann in coco['annotations']:
            ann['category_id'] = numbers[ann['category_id']]
    for what, part in (('training', train), ('validation', val)):
        bare = [item.image.name for item in part if item.label is None]
        if bare:
            first = ', '.join(map(printable, bare[:_FIRST]))
            notes.append(
                f'{counted(len(bare), "image")} of {len(part)} for {what} without a '
                f'label file, taken to show no object: {first}'
            )
    return contents, notes


def image_root(labels: LabelSet) -> Path:
    """The folder that holds all images of a set."""
    folders = {item.image.parent for part in labels.parts.values() for item in part}
    return Path(os.path.commonpath(folders))


def _convert_part(
    part: list[Labelled], labels: LabelSet, root: Path
) -> dict[str, list]:
    """A part in COCO format, but with names in place of the categories' numbers."""
    images: list[dict] = []
    annotations: list[dict] = []
    for number, (path, label) in enumerate(part, 1):
        width, height = _size(path)
        name = os.path.relpath(path, root)
        images.append(dict(id=number, file_name=name, width=width, height=height))
        if label is None:
            continue
        try:
            things = list(labels.read(label, width, height))
        except (ValueError, KeyError, TypeError, OSError, SyntaxError) as error:
            raise DataError(
                f'{printable(str(label))} is no proper {labels.kind} file: '
                f'{printable(str(error))}'
            ) from error
        for thing in things:
            left, top, right, bottom = (round(float(x), 3) for x in thing.xyxy)
            box = [left, top, round(right - left, 3), round(bottom - top, 3)]
            area: float = box[2] * box[3]
            fields = dict(
                id=len(annotations) + 1,
                image_id=number,
                category_id=thing.name,
                bbox=box,
                iscrowd=0,
            )
            if thing.mask is not None and thing.mask.any():
                area = float(thing.mask.sum())
                fields['segmentation'] = _encode(thing.mask)
            annotations.append(fields | dict(area=area))
    return dict(images=images, annotations=annotations)


def _size(path: Path) -> tuple[int, int]:
    """Width and height as the image is seen: turned as its EXIF orientation says."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION) in _QUARTER_TURNS
    except Exception as error:  # decoders fail in many ways
        raise DataError(
            f'the image {printable(str(path))} cannot be read; repair it, or take it '
            'out of the data set'
        ) from error
    return (height, width) if turned else (width, height)


def _encode(mask: np.ndarray) -> dict[str, Any]:
    rle = mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))
    return dict(size=[int(n) for n in rle['size']], counts=rle['counts'].decode())
