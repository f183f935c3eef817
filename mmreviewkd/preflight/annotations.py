"""Checks of an annotation file in COCO format, and of its images."""

import json
import math
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mmcv
from PIL import Image

from .findings import Findings

_FIELDS: dict[str, dict[str, Any]] = dict(
    images=dict(id=(int, str), file_name=str, width=(int, float), height=(int, float)),
    annotations=dict(
        id=(int, str), image_id=(int, str), category_id=int, bbox=list,
        area=(int, float), iscrowd=int,
    ),
    categories=dict(id=int, name=str),
)  # fmt: skip


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
    name = Path(path).name
    coco = _read(Path(path), found)
    if coco is None:
        return found
    images, annotations, categories = (
        _complete(coco[kind], kind, name, found) for kind in _FIELDS
    )
    used = _check_categories(categories, classes, name, found)
    by_id = {image['id']: image for image in images}
    for kind, entries in (('images', images), ('annotations', annotations)):
        counts = Counter(entry['id'] for entry in entries)
        double = [number for number, count in counts.items() if count > 1]
        if double:
            found.problem(f'{name}: {kind} with the same id', double)
    known = {category['id'] for category in categories}
    _check_boxes(annotations, by_id, known, name, found)
    wanted = [ann for ann in annotations if ann['category_id'] in used]
    if with_mask:
        _check_masks(wanted, name, found)
    _count(images, wanted, used, name, found)
    _check_images(images, Path(img_dir), sample, name, found)
    return found


def _read(path: Path, found: Findings) -> dict | None:
    try:
        coco = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        found.problem(f'there is no annotation file {str(path)!r}')
        return None
    except (OSError, ValueError, RecursionError) as error:
        found.problem(f'{path.name} is no JSON file: {error}')
        return None
    for kind in _FIELDS:
        if not isinstance(coco, dict) or not isinstance(coco.get(kind), list):
            found.problem(f'{path.name} is no COCO annotation file: no list {kind!r}')
            return None
    return coco


def _complete(entries: list, kind: str, name: str, found: Findings) -> list[dict]:
    """Those entries that have all fields; the others are problems."""
    complete, incomplete = [], defaultdict(list)
    for index, entry in enumerate(entries):
        wrong = 'no object' if not isinstance(entry, dict) else ''
        for field, kinds in _FIELDS[kind].items() if not wrong else ():
            value = entry.get(field)
            if not isinstance(value, kinds) or isinstance(value, bool):
                wrong = f'without a proper {field}'
                break
        if wrong:
            incomplete[wrong].append(index)
        else:
            complete.append(entry)
    for wrong, indices in incomplete.items():
        found.problem(f'{name}: {kind} {wrong}, counted from 0', indices)
    return complete


def _check_categories(
    categories: list[dict], classes: Sequence[str] | None, name: str, found: Findings
) -> dict[int, str]:
    """The categories that are used, by id."""
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
    if not missing and not double and order != list(classes):
        # MMDetection numbers labels in the file's order and names them in that of
        # metainfo.classes.
        found.problem(
            f'{name} lists its categories in another order than metainfo.classes, '
            f'which mixes up the labels; write classes={tuple(order)!r}'
        )
    return {c['id']: c['name'] for c in categories if c['name'] in classes}


def _check_boxes(
    annotations: list[dict],
    images: dict[Any, dict],
    known: set[int],
    name: str,
    found: Findings,
) -> None:
    wrong = defaultdict(list)
    for ann in annotations:
        box, image = ann['bbox'], images.get(ann['image_id'])
        if ann['category_id'] not in known:
            wrong['problem', 'annotations of a category that is not there'].append(ann)
        if image is None:
            wrong['problem', 'annotations of an image that is not there'].append(ann)
            continue
        if len(box) != 4 or not all(_is_number(x) for x in box):
            wrong['problem', 'boxes that are not four finite numbers'].append(ann)
            continue
        x, y, width, height = box
        if width < 1 or height < 1:
            wrong['note', 'boxes of less than a pixel, which are left out'].append(ann)
        elif ann['area'] <= 0:
            wrong['note', 'annotations without area, which are left out'].append(ann)
        elif min(x, y) < -1 or x + width > image['width'] + 1 or (
            y + height > image['height'] + 1
        ):  # fmt: skip
            inside = 0 < x + width and x < image['width'] and (
                0 < y + height and y < image['height']
            )  # fmt: skip
            if inside:
                wrong['note', 'boxes beyond the border of their image'].append(ann)
            else:
                wrong['problem', 'boxes outside of their image'].append(ann)
    for (kind, what), anns in wrong.items():
        getattr(found, kind)(f'{name}: {len(anns)} {what}', [a['id'] for a in anns])


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def _check_masks(annotations: list[dict], name: str, found: Findings) -> None:
    without = [
        ann['id']
        for ann in annotations
        if not ann.get('segmentation')
        or not isinstance(ann['segmentation'], list | dict)
    ]
    if without:
        found.problem(f'{name}: {len(without)} annotations have no mask', without)


def _count(
    images: list[dict],
    annotations: list[dict],
    used: dict[int, str],
    name: str,
    found: Findings,
) -> None:
    counts = Counter(used[ann['category_id']] for ann in annotations)
    listing = ', '.join(f'{cls!r} {counts[cls]}' for cls in list(used.values())[:12])
    more = f' and {len(used) - 12} more classes' if len(used) > 12 else ''
    found.note(
        f'{name}: {len(images)} images, {len(annotations)} annotations of '
        f'{len(used)} classes{": " if used else ""}{listing}{more}'
    )
    none = [cls for cls in used.values() if not counts[cls]]
    if none:
        found.problem(f'{name} has no annotation of', none)
    empty = len({i['id'] for i in images} - {ann['image_id'] for ann in annotations})
    if empty:
        found.note(
            f'{name}: {empty} images have no annotation; training leaves them out '
            'where filter_cfg.filter_empty_gt is set'
        )
    crowds = sum(ann['iscrowd'] != 0 for ann in annotations)
    if crowds:
        found.note(f'{name}: {crowds} crowds, which are ignored regions')


def _check_images(
    images: list[dict], img_dir: Path, sample: int, name: str, found: Findings
) -> None:
    there: list[dict] = []
    missing: list[dict] = []
    for image in images:
        (there if _is_file(img_dir / image['file_name']) else missing).append(image)
    if missing:
        found.problem(
            f'{name}: {len(missing)} of {len(images)} images are not in '
            f'{str(img_dir)!r}',
            [image['file_name'] for image in missing],
        )
    chosen = random.Random(0).sample(there, min(sample, len(there)))
    unreadable: list[str] = []
    turned: list[str] = []
    other: list[str] = []
    for image in chosen:
        shape = _shape(img_dir / image['file_name'])
        if shape is None:
            unreadable.append(image['file_name'])
        elif shape != (image['height'], image['width']):
            is_turned = shape == (image['width'], image['height'])
            (turned if is_turned else other).append(image['file_name'])
    of = f'of {len(chosen)} images that were read'
    if unreadable:
        found.problem(f'{name}: {len(unreadable)} {of} are damaged', unreadable)
    if turned:
        found.problem(
            f'{name}: {len(turned)} {of} are turned by their EXIF orientation, while '
            'the annotations are for the image as stored; set '
            "color_type='color_ignore_orientation' in LoadImageFromFile, or store the "
            'images as they are to be seen',
            turned,
        )
    if other:
        found.problem(
            f'{name}: {len(other)} {of} have another size than the annotations say',
            other,
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _shape(path: Path) -> tuple[int, int] | None:
    """Height and width as MMDetection reads the image; None if it is damaged."""
    try:
        with Image.open(path) as image:
            image.load()  # OpenCV would fill up a file that is cut off.
        return mmcv.imread(str(path)).shape[:2]
    except Exception:  # decoders fail in many ways
        return None
