"""A folder, made ready for MMDetection."""

import hashlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmreviewkd.datasets.unlabeled import list_images
from mmreviewkd.errors import UsageError
from mmreviewkd.files import read_json
from mmreviewkd.names import counted, some
from mmreviewkd.preflight.annotations import check_boxes, check_empty
from mmreviewkd.preflight.findings import Findings
from mmreviewkd.preflight.image_files import check_images, check_missing

from .classes import choose_classes, count_instances, note_supercategory
from .coco_layouts import CocoFiles, find_coco
from .convert import check_converter, convert, image_root
from .data_folder import DataFolder, Split
from .errors import DataError
from .fraction import SEED, divide_coco
from .given import Given, given_path
from .image_folder import bare_name, find_folder
from .inventory import not_found
from .label_set import LabelSet
from .labelme import find_labelme
from .masks import check_masks
from .overlap import note_shared_images, note_unlabeled_images
from .part import Part, read_part
from .voc import find_voc
from .written import stale, written
from .yolo import find_yolo

# Read so many images of each part.
_SAMPLE = 32


class _Opened(NamedTuple):
    parts: list[Part]
    kind: str
    what: str
    notes: list[str]


def open_folder(
    root: str | Path,
    classes: Sequence[str] | None = None,
    work_dir: str | Path | None = None,
    given: Given | None = None,
    unlabeled: Sequence[str | Path] = (),
) -> DataFolder:
    """Find annotations, images and classes in a folder, and check them.

    COCO files are used as they are. YOLO, Pascal VOC and LabelMe are converted, one
    annotation file is divided; the COCO files made so go to the folder of the work,
    and are the same ones when the folder is opened again. Nothing is written to the
    data's folder.

    Args:
        root (str | Path): The folder.
        classes (Sequence[str], optional): The classes to use. Defaults to None: all
            classes of the data set.
        work_dir (str | Path, optional): The folder of the work. Defaults to None:
            ``work_dirs/`` and the name of the folder.
        given (Given, optional): Files that the user names. Defaults to None.
        unlabeled (Sequence[str | Path]): Folders of images without annotations, which
            are compared with those of the data set. Defaults to ().

    Returns:
        DataFolder: The data set.

    Raises:
        DataError: If something is missing or wrong.
    """
    root = Path(root).resolve()
    if root.is_file():
        raise DataError(
            f'{root} is a file; give the folder of the data set, and where its '
            'annotations are not found name them with --train-ann and --val-ann'
        )
    if not root.is_dir():
        raise DataError(f'there is no folder {root}')
    given = given or Given()
    given.check()
    work = Path(work_dir or Path('work_dirs', root.name)).resolve() / 'data'
    source = _find(root, given)
    if isinstance(source, LabelSet):
        opened = _open_labels(source, root, work, given)
    else:
        opened = _open_coco(source, root, work, given)
    return _check(opened, root, classes, unlabeled)


def _find(root: Path, given: Given) -> CocoFiles | LabelSet:
    """Find out which format it is."""
    if given.train_ann:
        train = given_path('--train-ann', given.train_ann, root)
        val = given.val_ann and given_path('--val-ann', given.val_ann, root)
        return CocoFiles(train, val or None)
    for find in (find_coco, find_yolo, find_voc, find_labelme):
        found = find(root)
        if found is not None:
            return found
    raise DataError(not_found(root))


def _open_coco(files: CocoFiles, root: Path, work: Path, given: Given) -> _Opened:
    folder = given_path('--images', given.images, root) if given.images else None
    paths = [path for path in files if path]
    names = ' and '.join(
        str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
        for path in paths
    )
    _check_fraction(len(paths), names, root, given)
    read = [read_part(path, root) for path in paths]
    places = [
        find_folder(coco.images, path, root, folder)
        for path, (_, coco) in zip(paths, read, strict=True)
    ]
    parts = [
        Part(name, path, coco, place)
        for path, (name, coco), (place, _) in zip(paths, read, places, strict=True)
    ]
    bare = [own for _, own in places]
    if given.val_fraction is None and not any(bare):
        return _Opened(parts, 'COCO', names, [])
    del read, parts

    def make() -> tuple[list[dict[str, Any]], list[str]]:
        contents = [read_json(path) for path in paths]
        for content, own in zip(contents, bare, strict=True):
            for image in content['images'] if own else ():
                image['file_name'] = bare_name(image['file_name'])
        if given.val_fraction is not None:
            contents = divide_coco(contents[0], given.val_fraction)
        return contents, []

    how = dict(val_fraction=given.val_fraction, seed=SEED, bare_names=bare)
    made, notes = written(work, paths, how, make)
    if any(bare):
        notes = [
            *notes,
            f'{names} names images in folders that are not here; their names '
            f'alone are looked for in {places[0][0]}',
        ]
    folders = [place for place, _ in places] * (3 - len(places))
    parts = [
        Part(*_named(path, root), folder)
        for path, folder in zip(made, folders, strict=False)
    ]
    return _Opened(parts, 'COCO', f'{names}, written as {_both(work)}', notes)


def _open_labels(labels: LabelSet, root: Path, work: Path, given: Given) -> _Opened:
    if given.images:
        raise DataError(
            f'{root} is a {labels.kind} data set, which says itself where its images '
            'are; leave out --images, or name a COCO file with --train-ann'
        )
    _check_fraction(len(labels.parts), f'this {labels.kind} data set', root, given)
    check_converter(labels.kind)
    images = [str(item.image) for part in labels.parts.values() for item in part]
    how = dict(
        kind=labels.kind,
        val_fraction=given.val_fraction,
        seed=SEED,
        images=hashlib.sha256('\n'.join(images).encode(errors='replace')).hexdigest(),
    )
    made, notes = written(
        work, labels.sources, how, lambda: convert(labels, given.val_fraction)
    )
    folder = image_root(labels)
    parts = [Part(*_named(path, root), folder) for path in made]
    # The stamp has the images of both parts in one list; their numbers divide it.
    numbers = [len(items) for items in labels.parts.values()]
    if len(numbers) == 2 and numbers != [len(part.coco.images) for part in parts]:
        raise stale(work, ['parts'])
    return _Opened(parts, labels.kind, f'converted to COCO in {_both(work)}', notes)


def _check_fraction(number: int, names: str, root: Path, given: Given) -> None:
    if number == 2 and given.val_fraction is not None:
        raise DataError(
            f'{root} has images for training and for validation ({names}); leave out '
            '--val-fraction, or name one file with --train-ann'
        )
    if number == 1 and given.val_fraction is None:
        raise DataError(
            f'{root} has one part only ({names}); write --val-fraction 0.2 to keep a '
            'fifth of its images for validation, or name two COCO files with '
            '--train-ann and --val-ann'
        )


def _named(path: Path, root: Path) -> tuple[str, Path, Any]:
    name, coco = read_part(path, root)
    return name, path, coco


def _both(work: Path) -> str:
    return f'{work}/train.json and val.json'


def _check(
    opened: _Opened,
    root: Path,
    wanted: Sequence[str] | None,
    unlabeled: Sequence[str | Path],
) -> DataFolder:
    train, val = opened.parts
    notes = list(opened.notes)
    classes = choose_classes(train, val, wanted)
    counts = [count_instances(part, classes, notes) for part in opened.parts]
    total = {name: counts[0][name] + counts[1][name] for name in classes}
    note_supercategory(train, classes, total, notes)
    sizes = [_check_part(part, classes, notes) for part in opened.parts]
    note_shared_images(train, val, (sizes[0], sizes[1]), notes)
    for folder in map(Path, unlabeled):
        note_unlabeled_images(folder, _images_of(folder), opened.parts, sizes, notes)
    has_masks = check_masks(opened.parts, classes, notes)
    splits = [
        Split(
            ann_file=_relative(part.path, root),
            img_prefix=_relative(part.folder, root, '/'),
            images=len(part.coco.images),
            instances=sum(own[name] for name in classes),
            first=int(part.coco.annotations.image[part.instances(classes)].min()) + 1,
        )
        for part, own in zip(opened.parts, counts, strict=True)
    ]
    sides = (
        side
        for part in opened.parts
        for image in part.coco.images
        for side in (image.width, image.height)
    )
    return DataFolder(
        root=root,
        train=splits[0],
        val=splits[1],
        classes=classes,
        has_masks=has_masks,
        max_side=math.ceil(max(sides)),
        found=(
            f'found a {opened.kind} data set of '
            f'{counted(len(classes), "class", "classes")} ({some(classes)}): '
            f'{opened.what}; images in {_where(opened.parts, root)}'
        ),
        notes=notes,
    )


def _check_part(part: Part, classes: tuple[str, ...], notes: list[str]) -> list[int]:
    """Check images and boxes; return the sizes of the images' files, in bytes."""
    found = Findings()
    sizes = check_missing(part.coco.images, part.folder, part.name, found)
    if not found.problems:
        check_images(part.coco.images, part.folder, _SAMPLE, part.name, found)
    if found.problems:
        raise DataError(found.problems[0])
    # What is wrong with a box does not stop training: MMDetection leaves it out.
    check_boxes(part.coco, part.name, found)
    check_empty(part.coco, part.used(classes), part.name, found)
    notes += found.problems + found.notes
    return sizes


def _images_of(folder: Path) -> list[str]:
    try:
        return list_images(folder)
    except UsageError as error:
        raise DataError(f'--unlabeled {folder}: {error}') from error


def _relative(path: Path, root: Path, end: str = '') -> str:
    if path == root:
        return ''
    return f'{path.relative_to(root) if path.is_relative_to(root) else path}{end}'


def _where(parts: list[Part], root: Path) -> str:
    folders = dict.fromkeys(part.folder for part in parts)
    return ' and '.join(
        f'{os.path.join(_relative(f, root), "") or "."}' for f in folders
    )
