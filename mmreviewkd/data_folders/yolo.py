"""Data sets in YOLO format: ``data.yaml``, and a text file an image."""

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from mmreviewkd.image_files import images_in, is_image
from mmreviewkd.names import counted, printable

from .errors import DataError
from .label_set import Labelled, LabelSet, Thing, things

_VAL = ('val', 'valid', 'validation')
_BOX_VALUES = 6
"""The most values of a box: class, centre, size and, at times, a score."""


def find_yolo(root: Path) -> LabelSet | None:
    """Find a set in YOLO format in a folder; None where there is none.

    Raises:
        DataError: If its yaml file does not fit what is there.
    """
    for path in sorted([*root.glob('*.yaml'), *root.glob('*.yml')]):
        try:
            content = yaml.safe_load(path.read_text(encoding='utf-8'))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            if path.stem == 'data':
                raise DataError(
                    f'{path} is no YAML file: {" ".join(str(error).split())}'
                ) from error
            continue
        if isinstance(content, dict) and {'names', 'train'} <= content.keys():
            return _read(path, content)
        if path.stem == 'data':
            raise DataError(
                f'{path} needs train, val and names: folders of the images, and the '
                'names of the classes in order'
            )
    return None


def _read(path: Path, content: dict[str, Any]) -> LabelSet:
    if 'kpt_shape' in content:
        raise DataError(
            f'{path} is of a data set with key points (kpt_shape), whose boxes are not '
            'read; export it for detection or in COCO format'
        )
    classes = _classes(path, content)
    parts = dict(train=_part(path, content, 'train'))
    val = next((key for key in _VAL if content.get(key)), None)
    if val:
        parts['val'] = _part(path, content, val)
    sources = [path]
    sources += [item.label for part in parts.values() for item in part if item.label]
    read = partial(_things, classes)
    return LabelSet('YOLO', parts, read, sources, classes)


def _classes(path: Path, content: dict[str, Any]) -> list[str]:
    names = content['names']
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise DataError(
                f'{path}: the numbers of names are to go from 0 to {len(names) - 1}; '
                f'they are {", ".join(map(str, names))}'
            )
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise DataError(f'{path}: names is to be the list of the classes')
    if content.get('nc', len(names)) != len(names):
        raise DataError(
            f'{path}: nc is {content["nc"]}, but names has {len(names)} of them'
        )
    return [str(name) for name in names]


def _part(path: Path, content: dict[str, Any], key: str) -> list[Labelled]:
    values = content[key] if isinstance(content[key], list) else [content[key]]
    images: list[Path] = []
    for value in map(str, values):
        place = _place(path, content, key, value)
        images += _listed(place) if place.is_file() else images_in(place)
    if not images:
        listing = ', '.join(map(str, values))
        raise DataError(f'{path}: there is no image in {key}: {listing}')
    items = [Labelled(image, _label(image)) for image in images]
    if all(item.label is None for item in items):
        raise DataError(
            f'{path}: none of {counted(len(items), "image")} of {key} has a label '
            f'file; looked for such as {printable(str(_label_path(images[0])))}'
        )
    return items


def _place(path: Path, content: dict[str, Any], key: str, value: str) -> Path:
    """Where a part's images are."""
    base = path.parent / str(content.get('path') or '')
    # Roboflow writes `../train/images` of what lies beside the yaml file.
    inner = value
    while inner.startswith('../'):
        inner = inner[3:]
    places = dict.fromkeys(
        folder / name for name in (value, inner) for folder in (base, path.parent)
    )
    for place in places:
        if place.exists():
            return Path(os.path.normpath(place))
    looked = ', '.join(map(str, places))
    raise DataError(f'{path}: {key}: {value} is not there; looked for {looked}')


def _listed(path: Path) -> list[Path]:
    """The images that a text file lists."""
    lines = path.read_text(encoding='utf-8').split('\n')
    names = [line.strip() for line in lines if line.strip()]
    images = [Path(os.path.normpath(path.parent / name)) for name in names]
    missing = [image for image in images if not image.is_file()]
    if missing:
        raise DataError(
            f'{path}: {len(missing)} of {counted(len(images), "image")} missing: '
            f'{printable(str(missing[0]))}'
        )
    return [image for image in images if is_image(image)]


def _label_path(image: Path) -> Path:
    """The last folder `images` of its path becomes `labels`, as YOLO has it."""
    parts = list(image.parts)
    for index in reversed(range(len(parts) - 1)):
        if parts[index] == 'images':
            parts[index] = 'labels'
            break
    return Path(*parts).with_suffix('.txt')


def _label(image: Path) -> Path | None:
    for path in (_label_path(image), image.with_suffix('.txt')):
        if path.is_file():
            return path
    return None


def _things(
    classes: list[str], label: Path, width: int, height: int
) -> Iterable[Thing]:
    from supervision.dataset.formats.yolo import yolo_annotations_to_detections

    lines = [
        line
        for line in label.read_text(encoding='utf-8-sig').splitlines()
        if line.strip()
    ]
    boxes = [line for line in lines if len(line.split()) <= _BOX_VALUES]
    polygons = [line for line in lines if len(line.split()) > _BOX_VALUES]
    # Together, the boxes would get masks of their own shape.
    for own, with_masks in ((boxes, False), (polygons, True)):
        if not own:
            continue
        found = yolo_annotations_to_detections(own, (width, height), with_masks)
        yield from things(found, classes)
