"""Annotation files in COCO format, by what they hold and how they are named."""

from pathlib import Path
from typing import NamedTuple

from mmreviewkd.names import printable

from .errors import DataError
from .splits import split_of
from .written import STAMP

_PATTERNS = ('*.json', '*/*.json', '*/*/*.json')
_KEYS = (b'"images"', b'"annotations"', b'"categories"')
_USUAL = 'instances_'
_HEAD = 1 << 16
# LabelMe has as many files as images: a folder that begins so has no other.
_PROBE = 20


class CocoFiles(NamedTuple):
    """The annotation files of a data set; ``val`` is None where there is one only."""

    train: Path
    val: Path | None


def find_coco(root: Path) -> CocoFiles | None:
    """Find the annotation files of a folder.

    All files down to two folders below are looked at: ``annotations/
    instances_train2017.json``, ``train/_annotations.coco.json`` (Roboflow),
    ``annotations/instances_default.json`` (CVAT), ``result.json`` (Label Studio), and
    any other name that says which part it is of.

    Args:
        root (Path): The folder.

    Returns:
        CocoFiles, optional: The files; None where there is none.

    Raises:
        DataError: If it is not clear which files are meant.
    """
    files = _coco_files(root)
    # COCO has files of captions and of key points for the same images.
    files = [path for path in files if path.name.startswith(_USUAL)] or files
    if not files:
        return None
    parts: dict[str | None, list[Path]] = {}
    for path in files:
        split = split_of(path.stem, path.parent.name if path.parent != root else '')
        parts.setdefault(split, []).append(path)
    train, val = parts.get('train', []), parts.get('val', [])
    if len(train) == 1 and len(val) == 1:
        return CocoFiles(train[0], val[0])
    if len(files) == 1 and not val:
        return CocoFiles(files[0], None)
    names = ', '.join(printable(str(path.relative_to(root))) for path in files)
    if len(train) == 1 and not val:
        other = next(path for path in files if path != train[0]).relative_to(root)
        raise DataError(
            f'{root} has annotations for training, but none that are named after '
            f'validation; it has: {names}. Write --train-ann '
            f'{train[0].relative_to(root)} and --val-ann FILE, such as '
            f'{printable(str(other))}, or --val-fraction 0.2 in its place'
        )
    raise DataError(
        f'{root} has {len(files)} annotation files, and their names do not tell which '
        f'one is for training and which one for validation: {names}. Write --train-ann '
        'FILE --val-ann FILE'
    )


def _coco_files(root: Path) -> list[Path]:
    found: list[Path] = []
    for pattern in _PATTERNS:
        folders: dict[Path, list[Path]] = {}
        for path in sorted(root.glob(pattern)):
            folders.setdefault(path.parent, []).append(path)
        for folder, paths in folders.items():
            # Of a work dir within the data's folder: made, not the user's.
            if (folder / STAMP).is_file():
                continue
            if any(map(_is_coco, paths[:_PROBE])):
                found += filter(_is_coco, paths)
    return found


def _is_coco(path: Path) -> bool:
    """Tell it by the name, or by the two ends of the file: some have a GB."""
    if path.name.startswith(_USUAL) or path.name.endswith('.coco.json'):
        return True
    try:
        with path.open('rb') as file:
            text = file.read(_HEAD)
            file.seek(max(file.seek(0, 2) - _HEAD, 0))
            text += file.read()
    except OSError:
        return False
    return sum(key in text for key in _KEYS) > 1 and b'"shapes"' not in text
