"""The reader of annotation files in COCO format."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmreviewkd.files import read_json
from mmreviewkd.names import counted

from .findings import Findings

# No image is so large; NaN is not less than it either.
_LIMIT = 1e9


class Coco(NamedTuple):
    """Entries of an annotation file, each with all fields that COCO evaluation needs.

    Args:
        images (list[dict]): With ``id``, ``file_name``, ``width`` and ``height``.
        annotations (list[dict]): With ``id``, ``image_id``, ``category_id``, ``bbox``
            (x, y, width and height in pixels), ``area`` and ``iscrowd``.
        categories (list[dict]): With ``id`` and ``name``.
    """

    images: list[dict]
    annotations: list[dict]
    categories: list[dict]


class _Field(NamedTuple):
    what: str
    is_proper: Callable[[Any], bool]


def is_number(value: Any) -> bool:
    """Tell whether a value is a number, finite and of a size that occurs."""
    return _is_plain(value, int | float) and -_LIMIT < value < _LIMIT


def _is_plain(value: Any, kinds: Any) -> bool:
    # To Python True is a number.
    return isinstance(value, kinds) and not isinstance(value, bool)


_ID = _Field('a whole number or a text', lambda value: _is_plain(value, int | str))
_WHOLE = _Field('a whole number', lambda value: _is_plain(value, int))
_TEXT = _Field('a text', lambda value: isinstance(value, str))
_NUMBER = _Field('a finite number', is_number)
_SIDE = _Field('a positive number', lambda value: is_number(value) and value > 0)
_BOX = _Field(
    'four finite numbers',
    lambda value: (
        isinstance(value, list) and len(value) == 4 and all(map(is_number, value))
    ),
)
_FIELDS: dict[str, dict[str, _Field]] = dict(
    images=dict(id=_ID, file_name=_TEXT, width=_SIDE, height=_SIDE),
    annotations=dict(
        id=_ID,
        image_id=_ID,
        category_id=_WHOLE,
        bbox=_BOX,
        area=_NUMBER,
        iscrowd=_WHOLE,
    ),
    categories=dict(id=_WHOLE, name=_TEXT),
)
_ONE = dict(images='image', annotations='annotation', categories='category')


def read_coco(path: Path, name: str, found: Findings) -> Coco | None:
    """Read an annotation file; it never raises for bad content.

    Args:
        path (Path): The file.
        name (str): What to call it.
        found (Findings): Gets a problem for each fault, with the first few places.

    Returns:
        Coco | None: Those entries that are whole; None if the file is none at all.
    """
    try:
        content = read_json(path)
    except FileNotFoundError:
        found.problem(f'there is no annotation file {str(path)!r}')
        return None
    except (OSError, ValueError, RecursionError) as error:
        found.problem(f'{name} is no JSON file: {error}')
        return None
    for kind in _FIELDS:
        if not isinstance(content, dict) or not isinstance(content.get(kind), list):
            found.problem(f'{name} is no COCO annotation file: no list {kind!r}')
            return None
    return Coco(*(_whole_entries(content[kind], kind, name, found) for kind in _FIELDS))


def missing_images(
    images: Sequence[Mapping[str, Any]], folder: Path, name: str, found: Findings
) -> list[str]:
    """Find the images that are not in a folder, and note them as a problem."""
    missing = [
        image['file_name']
        for image in images
        if not is_file(folder / image['file_name'])
    ]
    if missing:
        total = counted(len(images), 'image')
        found.problem(
            f'{name}: {len(missing)} of {total} missing in {str(folder)!r}', missing
        )
    return missing


def is_file(path: Path) -> bool:
    """Tell whether there is a file, whatever the name."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def has_mask(annotation: Mapping[str, Any]) -> bool:
    """Tell whether an annotation has a mask.

    Sets without masks have an empty list there, the string '[]', or nothing.
    """
    mask = annotation.get('segmentation')
    return isinstance(mask, list | dict) and bool(mask)


def _whole_entries(entries: list, kind: str, name: str, found: Findings) -> list[dict]:
    """Those entries that have all fields; the others are problems."""
    whole, broken = [], defaultdict(list)
    for index, entry in enumerate(entries):
        fault = _fault(entry, _FIELDS[kind])
        if fault:
            broken[fault].append(index)
        else:
            whole.append(entry)
    for fault, indices in broken.items():
        number = counted(len(indices), _ONE[kind], kind)
        found.problem(f'{name}: {number} {fault}, counted from 0', indices)
    counts = Counter(entry['id'] for entry in whole)
    double = [number for number, count in counts.items() if count > 1]
    if double:
        found.problem(f'{name}: {kind} with the same id', double)
    return whole


def _fault(entry: Any, fields: dict[str, _Field]) -> str:
    """Say what is wrong with an entry; nothing if it is whole."""
    if not isinstance(entry, dict):
        return 'that is no object'
    for key, field in fields.items():
        if not field.is_proper(entry.get(key)):
            return f'without a proper {key} ({field.what})'
    return ''
