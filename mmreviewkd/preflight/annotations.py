"""Checks of an annotation file in COCO format, and of its images."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mmreviewkd.names import counted

from .category_order import CategoryOrder, check_order
from .coco_file import Annotations, Coco, read_coco
from .findings import Findings
from .image_files import check_images, check_missing


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
    used, order = _check_categories(coco.categories, classes, name, found)
    check_boxes(coco, name, found)
    wanted = np.isin(coco.annotations.category_id, list(used))
    without = coco.annotations.ids_where(wanted & ~coco.annotations.has_mask)
    if with_mask and without:
        number = counted(len(without), 'annotation')
        found.problem(f'{name}: {number} without a mask', without)
    _count(coco, wanted, used, name, found)
    sizes = check_missing(coco.images, Path(img_dir), name, found)
    pairs = zip(coco.images, sizes, strict=True)
    there = [image for image, size in pairs if size >= 0]
    check_images(there, Path(img_dir), sample, name, found)
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


def check_boxes(coco: Coco, name: str, found: Findings) -> None:
    """Check where boxes lie, and that images and categories are those of the file.

    Args:
        coco (Coco): Content of an annotation file.
        name (str): What to call it.
        found (Findings): Gets what is wrong.
    """
    anns = coco.annotations
    known = np.isin(anns.category_id, [category['id'] for category in coco.categories])
    _tell(found.problem, name, anns, ~known, 'of a category that is not there')
    placed = anns.image >= 0
    _tell(found.problem, name, anns, ~placed, 'of an image that is not there')
    sizes = np.array([(image.width, image.height) for image in coco.images])
    size = sizes[anns.image] if len(sizes) else np.zeros((len(anns.ids), 2))
    start, side = anns.bbox[:, :2], anns.bbox[:, 2:]
    end = start + side
    tiny = placed & (side < 1).any(1)
    flat = placed & ~tiny & (anns.area <= 0)
    rest = placed & ~tiny & ~flat
    outside = rest & ((end <= 0) | (start >= size)).any(1)
    beyond = rest & ~outside & ((start < -1) | (end > size + 1)).any(1)
    for tell, chosen, what in (
        (found.note, tiny, 'with a box of less than a pixel, left out in training'),
        (found.note, flat, 'without area, left out in training'),
        (found.problem, outside, 'with a box outside of the image'),
        (found.note, beyond, 'with a box beyond the border of the image'),
    ):
        _tell(tell, name, anns, chosen, what)


def _tell(
    tell: Callable[[str, list], None],
    name: str,
    anns: Annotations,
    chosen: np.ndarray,
    what: str,
) -> None:
    ids = anns.ids_where(chosen)
    if ids:
        tell(f'{name}: {counted(len(ids), "annotation")} {what}', ids)


def _count(
    coco: Coco, wanted: np.ndarray, used: dict[int, str], name: str, found: Findings
) -> None:
    anns = coco.annotations
    numbers = Counter(anns.category_id[wanted].tolist())
    counts: Counter[str] = Counter()
    for category, number in numbers.items():
        counts[used[category]] += number
    listing = ', '.join(f'{cls!r} {counts[cls]}' for cls in list(used.values())[:12])
    more = f' and {len(used) - 12} more' if len(used) > 12 else ''
    found.note(
        f'{name}: {counted(len(coco.images), "image")}, '
        f'{counted(int(wanted.sum()), "annotation")} of '
        f'{counted(len(used), "class", "classes")}{": " if used else ""}{listing}{more}'
    )
    none = [cls for cls in used.values() if not counts[cls]]
    if none:
        found.problem(f'{name} has no annotation of', none)
    check_empty(coco, wanted, name, found)
    crowds = int((wanted & anns.crowd).sum())
    if crowds:
        found.note(f'{name}: {counted(crowds, "crowd")}, taken as ignored regions')


def check_empty(coco: Coco, wanted: np.ndarray, name: str, found: Findings) -> None:
    """Note how many images have none of the annotations where ``wanted`` is true."""
    filled = np.unique(coco.annotations.image[wanted])
    empty = len({image.id for image in coco.images}) - int((filled >= 0).sum())
    if empty:
        found.note(
            f'{name}: {counted(empty, "image")} without annotations, left out in '
            'training where filter_cfg.filter_empty_gt is set'
        )
