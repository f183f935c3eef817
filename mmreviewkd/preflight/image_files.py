"""Checks of the image files that an annotation file names."""

import os
import random
import stat
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import mmcv
from PIL import Image as PilImage

from mmreviewkd.names import counted

from .coco_file import Image
from .findings import Findings

_TURNED = (
    'turned by the EXIF orientation, while the annotations are for the image as '
    "stored; set color_type='color_ignore_orientation' in LoadImageFromFile, or store "
    'the images as they are to be seen'
)


def file_size(folder: Path | str, name: str) -> int:
    """Size of a file in bytes; -1 where there is none, whatever the name."""
    try:
        # By strings: a path object for each of a million images takes longer.
        found = os.stat(os.path.join(folder, name))
    except (OSError, ValueError):  # a name that no file can have
        return -1
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


def check_missing(
    images: Sequence[Image], folder: Path, name: str, found: Findings
) -> list[int]:
    """Look for images in a folder, and note those that are missing as a problem.

    Returns:
        list[int]: Sizes of the files in bytes, in the order of the images; -1 where
        one is missing.
    """
    sizes = [file_size(folder, image.file_name) for image in images]
    if -1 in sizes:
        missing = [
            image.file_name
            for image, size in zip(images, sizes, strict=True)
            if size < 0
        ]
        total = counted(len(images), 'image')
        found.problem(
            f'{name}: {len(missing)} of {total} missing in {str(folder)!r}', missing
        )
    return sizes


def check_images(
    images: Sequence[Image], folder: Path, sample: int, name: str, found: Findings
) -> None:
    """Read some images, and compare their sizes with those of the annotations.

    Args:
        images (Sequence[Image]): Images that are there.
        folder (Path): Folder that their names are relative to.
        sample (int): Read so many at most, the same ones each time.
        name (str): What to call the annotation file.
        found (Findings): Gets a problem for each fault.
    """
    chosen = random.Random(0).sample(images, min(sample, len(images)))
    faults = defaultdict(list)
    for image in chosen:
        shape = _shape(folder / image.file_name)
        if shape is None:
            faults['damaged'].append(image.file_name)
            continue
        height, width = shape
        if (height, width) == (image.height, image.width):
            continue
        turned = (width, height) == (image.height, image.width)
        fault = _TURNED if turned else 'of another size than the annotations say'
        faults[fault].append(image.file_name)
    for fault, names in faults.items():
        of = counted(len(chosen), 'image')
        found.problem(f'{name}: {len(names)} of {of} that were read: {fault}', names)


def _shape(path: Path) -> tuple[int, int] | None:
    """Height and width as MMDetection reads the image; None if it is damaged."""
    try:
        with PilImage.open(path) as image:
            image.load()  # OpenCV would fill up a file that is cut off.
        return mmcv.imread(str(path)).shape[:2]
    except Exception:  # decoders fail in many ways
        return None
