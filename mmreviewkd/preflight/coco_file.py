"""The reader of annotation files in COCO format.

Annotations become columns while the file is parsed: as dicts, those of a file of 1 GB
take 7 GB.
"""

import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmreviewkd.names import counted

from .findings import Findings

# No image is so large; NaN is not less than it either.
_LIMIT = 1e9
_LARGEST = 2**63 - 1
_NUMBERS = {int, float}
_ID_TYPES = {int, str}
# Numbers of the smallest polygon: x and y of three points.
_TRIANGLE = 6


class Image(NamedTuple):
    """An image as the annotation file has it; sides in pixels."""

    id: int | str
    file_name: str
    width: float
    height: float


class Annotations(NamedTuple):
    """Columns of the whole annotations of a file, N long, in the file's order.

    Args:
        ids (list[int | str]): The field ``id``.
        image (np.ndarray): Index of its image in ``Coco.images`` (N,); -1 where there
            is no such image.
        category_id (np.ndarray): As in the file (N,).
        bbox (np.ndarray): x, y, width and height in pixels (N, 4).
        area (np.ndarray): In square pixels (N,).
        crowd (np.ndarray): Whether ``iscrowd`` is set (N,), bool.
        has_mask (np.ndarray): Whether there is a segmentation (N,), bool. Sets without
            masks have an empty list there, the string '[]', or nothing. An empty or
            broken polygon is none either.
    """

    ids: list[int | str]
    image: np.ndarray
    category_id: np.ndarray
    bbox: np.ndarray
    area: np.ndarray
    crowd: np.ndarray
    has_mask: np.ndarray

    def ids_where(self, chosen: np.ndarray) -> list[int | str]:
        """The ids of those annotations where ``chosen`` (N,) is true."""
        return [self.ids[index] for index in np.flatnonzero(chosen)]


class Coco(NamedTuple):
    """Entries of an annotation file, each with all fields that COCO evaluation needs.

    Args:
        images (list[Image]): The images.
        annotations (Annotations): The annotations.
        categories (list[dict]): With ``id`` and ``name``.
    """

    images: list[Image]
    annotations: Annotations
    categories: list[dict]


class _Field(NamedTuple):
    what: str
    is_proper: Callable[[Any], bool]


class _Row(int):
    """Stands in the parsed file for an annotation; its number is that of the row."""


def is_number(value: Any) -> bool:
    """Tell whether a value is a number, finite and of a size that occurs."""
    # By type, since to Python True is a number.
    return type(value) in _NUMBERS and -_LIMIT < value < _LIMIT


def _is_whole(value: Any) -> bool:
    return type(value) is int and -_LARGEST <= value <= _LARGEST


_ID = _Field('a whole number or a text', lambda value: type(value) in _ID_TYPES)
_WHOLE = _Field('a whole number', _is_whole)
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


class _Rows:
    """Takes images and annotations out of a file while it is parsed."""

    def __init__(self) -> None:
        self.ids: list[int | str] = []
        self.images = array('q')
        self.categories = array('q')
        self.boxes = array('d')
        self.areas = array('d')
        self.flags = array('b')
        self.image_numbers: dict[int | str, int] = {}

    def take(self, entry: dict) -> Any:
        """Turn an image or annotation into less; leave all else as it is."""
        if 'bbox' in entry and _is_whole_annotation(entry):
            has_mask = _is_mask(entry.get('segmentation'))
            image_id = entry['image_id']
            numbers = self.image_numbers
            self.ids.append(entry['id'])
            self.images.append(numbers.setdefault(image_id, len(numbers)))
            self.categories.append(entry['category_id'])
            self.boxes.extend(entry['bbox'])
            self.areas.append(entry['area'])
            self.flags.append(2 * has_mask + bool(entry['iscrowd']))
            return _Row(len(self.ids) - 1)
        if 'file_name' in entry and not _fault(entry, _FIELDS['images']):
            return Image(*(entry[key] for key in Image._fields))
        return entry

    def annotations(self, order: list[_Row], images: list[Image]) -> Annotations:
        """The annotations of these numbers, as columns."""
        rows = np.fromiter(order, np.int64, len(order))
        index = np.full(len(self.image_numbers) + 1, -1)
        for number, image in enumerate(images):
            index[self.image_numbers.get(image.id, -1)] = number
        # What stands at the end is of images without annotations.
        own = index[:-1]
        flags = _column(self.flags)[rows]
        return Annotations(
            ids=[self.ids[row] for row in order],
            image=own[_column(self.images)[rows]],
            category_id=_column(self.categories)[rows],
            bbox=_column(self.boxes).reshape(-1, 4)[rows],
            area=_column(self.areas)[rows],
            crowd=flags % 2 > 0,
            has_mask=flags > 1,
        )


def read_coco(path: Path, name: str, found: Findings) -> Coco | None:
    """Read an annotation file; it never raises for bad content.

    Args:
        path (Path): The file.
        name (str): What to call it.
        found (Findings): Gets a problem for each fault, with the first few places.

    Returns:
        Coco | None: Those entries that are whole; None if the file is none at all.
    """
    rows = _Rows()
    try:
        text = path.read_text(encoding='utf-8')
        content = json.loads(text, object_hook=rows.take)
    except FileNotFoundError:
        found.problem(f'there is no annotation file {str(path)!r}')
        return None
    except (OSError, ValueError, RecursionError) as error:
        found.problem(f'{name} is no JSON file: {error}')
        return None
    del text
    for kind in _FIELDS:
        if not isinstance(content, dict) or not isinstance(content.get(kind), list):
            found.problem(f'{name} is no COCO annotation file: no list {kind!r}')
            return None
    images = _whole_entries(content['images'], 'images', Image, name, found)
    order = _whole_entries(content['annotations'], 'annotations', _Row, name, found)
    annotations = rows.annotations(order, images)
    categories = _whole_entries(content['categories'], 'categories', dict, name, found)
    for kind, ids in (
        ('images', [image.id for image in images]),
        ('annotations', annotations.ids),
        ('categories', [category['id'] for category in categories]),
    ):
        if len(set(ids)) < len(ids):
            double = [number for number, count in Counter(ids).items() if count > 1]
            found.problem(f'{name}: {kind} with the same id', double)
    return Coco(images, annotations, categories)


def _is_whole_annotation(entry: dict[str, Any]) -> bool:
    """What :func:`_fault` finds, in a third of its time: there may be ten millions."""
    get = entry.get
    box, crowd = get('bbox'), get('iscrowd')
    area: Any = get('area')
    if type(box) is not list or len(box) != 4 or type(area) not in _NUMBERS:
        return False
    x, y, width, height = box
    return (
        type(x) in _NUMBERS
        and type(y) in _NUMBERS
        and type(width) in _NUMBERS
        and type(height) in _NUMBERS
        and -_LIMIT < x < _LIMIT
        and -_LIMIT < y < _LIMIT
        and -_LIMIT < width < _LIMIT
        and -_LIMIT < height < _LIMIT
        and -_LIMIT < area < _LIMIT
        and type(get('id')) in _ID_TYPES
        and type(get('image_id')) in _ID_TYPES
        and _is_whole(get('category_id'))
        and _is_whole(crowd)
    )


def _is_mask(value: Any) -> bool:
    """Tell whether pycocotools can read it; a polygon's first part decides there."""
    if type(value) is dict:
        return 'size' in value and type(value.get('counts')) in (list, str)
    if type(value) is not list or not value or type(value[0]) is not list:
        return False
    return len(value[0]) >= _TRIANGLE and len(value[0]) % 2 == 0


def _column(values: array) -> np.ndarray:
    return np.frombuffer(values, values.typecode) if values else np.empty(0, np.int64)


def _whole_entries(
    entries: list, kind: str, whole: type, name: str, found: Findings
) -> list[Any]:
    """Those entries that have all fields; the others are problems."""
    good, broken = [], defaultdict(list)
    for index, entry in enumerate(entries):
        # Whole images and annotations were taken out while the file was parsed.
        taken = whole is not dict and type(entry) is whole
        fault = '' if taken else _fault(entry, _FIELDS[kind])
        if fault:
            broken[fault].append(index)
        else:
            good.append(entry)
    for fault, indices in broken.items():
        number = counted(len(indices), _ONE[kind], kind)
        found.problem(f'{name}: {number} {fault}, counted from 0', indices)
    return good


def _fault(entry: Any, fields: Mapping[str, _Field]) -> str:
    """Say what is wrong with an entry; nothing if it is whole."""
    if not isinstance(entry, dict):
        return 'that is no object'
    for key, field in fields.items():
        if not field.is_proper(entry.get(key)):
            return f'without a proper {key} ({field.what})'
    return ''
