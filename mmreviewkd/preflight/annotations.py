"""Checks of an annotation file in COCO format, and of its images."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mmcv
from PIL import Image

from mmreviewkd.names import counted

from .category_order import CategoryOrder, check_order
from .coco_file import has_mask, missing_images, read_coco
from .findings import Findings

_TURNED = (
    'turned by the EXIF orientation, while the annotations are for the image as '
    "stored; set color_type='color_ignore_orientation' in LoadImageFromFile, or store "
    'the images as they are to be seen'
)


def check_annotations(
    path: str | Path,
    img_dir: str | Path,
    classes: Sequence[str] | None = None,
    with_mask: bool = False,
    sample: int = 500,
) -> Findings:
    """Check a file, and read a sample of its images.

    Args:
        path (str | Path): The annotation file.
        img_dir (str | Path): Folder that its file names are relative to.
        classes (Sequence[str], optional): The classes to be used. Defaults to None:
            all of the file.
        with_mask (bool): Whether masks are needed. Defaults to False.
        sample (int): Read so many images at most, the same ones each time.
            Defaults to 500.

    Returns:
        Findings: Nothing in there stops the check; it never raises for bad content.
    """
    found = Findings()
    order = read_and_check(path, img_dir, classes, with_mask, sample, found)
    check_order([order] if order else [], found)
    return found


def read_and_check(
    path: str | Path,
    img_dir: str | Path,
    classes: Sequence[str] | None,
    with_mask: bool,
    sample: int,
    found: Findings,
) -> CategoryOrder | None:
    """Check a file as :func:`check_annotations` does, but for the categories' order.

    Returns:
        CategoryOrder | None: The order, to be compared with that of other files; None
        if classes are missing.
    """
    name = Path(path).name
    coco = read_coco(Path(path), name, found)
    if coco is None:
        return None
    images, annotations, categories = coco
    used, order = _check_categories(categories, classes, name, found)
    by_id = {image['id']: image for image in images}
    known = {category['id'] for category in categories}
    _check_boxes(annotations, by_id, known, name, found)
    wanted = [ann for ann in annotations if ann['category_id'] in used]
    without = [ann['id'] for ann in wanted if not has_mask(ann)]
    if with_mask and without:
        number = counted(len(without), 'annotation')
        found.problem(f'{name}: {number} without a mask', without)
    _count(images, wanted, used, name, found)
    _check_images(images, Path(img_dir), sample, name, found)
    return order


def _check_categories(
    categories: list[dict], classes: Sequence[str] | None, name: str, found: Findings
) -> tuple[dict[int, str], CategoryOrder | None]:
    """The categories that are used, by id, and their order."""
    names = [category['name'] for category in categories]
    double = [cls for cls, count in Counter(names).items() if count > 1]
    if double:
        found.problem(f'{name}: several categories have the name', double)
    if classes is None:
        classes = names
    missing = [cls for cls in classes if cls not in names]
    if missing:
        found.problem(f'{name} has no category for the classes', missing)
    others = [cls for cls in names if cls not in classes]
    if others:
        found.note(f'{name}: these categories are not used', others)
    order = [cls for cls in names if cls in classes]
    by_id = {c['id']: c['name'] for c in categories if c['name'] in classes}
    if missing or double:
        return by_id, None
    return by_id, CategoryOrder(name, tuple(order), tuple(classes))


def _check_boxes(
    annotations: list[dict],
    images: dict[Any, dict],
    known: set[int],
    name: str,
    found: Findings,
) -> None:
    wrong = defaultdict(list)
    for ann in annotations:
        image = images.get(ann['image_id'])
        if ann['category_id'] not in known:
            wrong['problem', 'of a category that is not there'].append(ann['id'])
        if image is None:
            wrong['problem', 'of an image that is not there'].append(ann['id'])
            continue
        x, y, width, height = ann['bbox']
        right, bottom = x + width, y + height
        if width < 1 or height < 1:
            what = 'note', 'with a box of less than a pixel, left out in training'
        elif ann['area'] <= 0:
            what = 'note', 'without area, left out in training'
        elif min(x, y) >= -1 and right <= image['width'] + 1 and (
            bottom <= image['height'] + 1
        ):  # fmt: skip
            continue
        elif min(right, bottom) <= 0 or x >= image['width'] or y >= image['height']:
            what = 'problem', 'with a box outside of the image'
        else:
            what = 'note', 'with a box beyond the border of the image'
        wrong[what].append(ann['id'])
    for (kind, text), ids in wrong.items():
        number = counted(len(ids), 'annotation')
        getattr(found, kind)(f'{name}: {number} {text}', ids)


def _count(
    images: list[dict],
    annotations: list[dict],
    used: dict[int, str],
    name: str,
    found: Findings,
) -> None:
    counts = Counter(used[ann['category_id']] for ann in annotations)
    listing = ', '.join(f'{cls!r} {counts[cls]}' for cls in list(used.values())[:12])
    more = f' and {len(used) - 12} more' if len(used) > 12 else ''
    found.note(
        f'{name}: {counted(len(images), "image")}, '
        f'{counted(len(annotations), "annotation")} of '
        f'{counted(len(used), "class", "classes")}{": " if used else ""}{listing}{more}'
    )
    none = [cls for cls in used.values() if not counts[cls]]
    if none:
        found.problem(f'{name} has no annotation of', none)
    empty = len({i['id'] for i in images} - {ann['image_id'] for ann in annotations})
    if empty:
        found.note(
            f'{name}: {counted(empty, "image")} without annotations, left out in '
            'training where filter_cfg.filter_empty_gt is set'
        )
    crowds = sum(ann['iscrowd'] != 0 for ann in annotations)
    if crowds:
        found.note(f'{name}: {counted(crowds, "crowd")}, taken as ignored regions')


def _check_images(
    images: list[dict], img_dir: Path, sample: int, name: str, found: Findings
) -> None:
    missing = set(missing_images(images, img_dir, name, found))
    there = [image for image in images if image['file_name'] not in missing]
    chosen = random.Random(0).sample(there, min(sample, len(there)))
    faults = defaultdict(list)
    for image in chosen:
        size = image['height'], image['width']
        shape = _shape(img_dir / image['file_name'])
        if shape is None:
            faults['damaged'].append(image['file_name'])
        elif shape == size[::-1] != size:
            faults[_TURNED].append(image['file_name'])
        elif shape != size:
            faults['of another size than the annotations say'].append(
                image['file_name']
            )
    for fault, names in faults.items():
        of = counted(len(chosen), 'image')
        found.problem(f'{name}: {len(names)} of {of} that were read: {fault}', names)


def _shape(path: Path) -> tuple[int, int] | None:
    """Height and width as MMDetection reads the image; None if it is damaged."""
    try:
        with Image.open(path) as image:
            image.load()  # OpenCV would fill up a file that is cut off.
        return mmcv.imread(str(path)).shape[:2]
    except Exception:  # decoders fail in many ways
        return None
