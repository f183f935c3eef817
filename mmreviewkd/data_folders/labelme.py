"""Data sets of LabelMe: a JSON file an image."""

import warnings
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath

from mmreviewkd.files import read_json
from mmreviewkd.image_files import images_in
from mmreviewkd.names import counted, printable

from .errors import DataError
from .label_set import Labelled, LabelSet, Thing, things
from .splits import split_folders

_SHAPES = ('polygon', 'rectangle')
_FOLDERS = ('', 'annotations', 'labels', 'json', 'images')
_HEAD = 1 << 12


def find_labelme(root: Path) -> LabelSet | None:
    """Find a set of LabelMe; None where there is none.

    Raises:
        DataError: If images are missing.
    """
    folders = split_folders(root)
    found = {split: _files(folder) for split, folder in folders.items()}
    if found.get('train'):
        own = {s: found[s] for s in ('train', 'val') if found.get(s)}
    elif files := _files(root):
        own = dict(train=files)
    else:
        return None
    parts: dict[str, list[Labelled]] = {}
    notes: list[str] = []
    others: dict[str, int] = {}
    for split, files in own.items():
        parts[split] = [Labelled(_image(path, root, others), path) for path in files]
    if others:
        kinds = ', '.join(f'{number} {kind}' for kind, number in sorted(others.items()))
        notes.append(
            f'shapes that are neither polygons nor rectangles are left out: {kinds}'
        )
    used = {item.image for part in parts.values() for item in part}
    rest = [
        p
        for folder in {i.parent for i in used}
        for p in images_in(folder)
        if p not in used
    ]
    if rest:
        notes.append(
            f'{counted(len(rest), "image")} without a LabelMe file left out, such as '
            f'{printable(rest[0].name)}'
        )
    sources = [path for files in own.values() for path in files]
    return LabelSet('LabelMe', parts, _things, sources, notes=notes)


def _files(top: Path) -> list[Path]:
    for name in _FOLDERS:
        paths = [
            path for path in sorted((top / name).glob('*.json')) if _is_labelme(path)
        ]
        if paths:
            return paths
    return []


def _is_labelme(path: Path) -> bool:
    """Guess it from the end, since the image itself may stand in the file."""
    with path.open('rb') as file:
        text = file.read(_HEAD)
        file.seek(max(file.seek(0, 2) - _HEAD, 0))
        text += file.read()
    return b'"shapes"' in text or b'"imagePath"' in text


def _image(path: Path, root: Path, others: dict[str, int]) -> Path:
    """The image of a file; shapes that are not read are counted in ``others``."""
    try:
        content = read_json(path)
        name = content['imagePath']
        for shape in content['shapes']:
            kind = _kind(shape)
            if kind not in _SHAPES:
                others[kind] = others.get(kind, 0) + 1
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f'{printable(str(path))} is no proper LabelMe file') from error
    # A path of Windows, where it was made there.
    windows = PureWindowsPath(name)
    for place in (
        path.parent / windows.as_posix(),
        path.parent / windows.name,
        path.parent.parent / 'images' / windows.name,
        root / 'images' / windows.name,
    ):
        if place.is_file():
            return place.resolve()
    raise DataError(
        f'{printable(str(path))} is for the image {printable(name)}, which is neither '
        f'beside it nor in {root / "images"}; an image within the file (imageData) is '
        'not read'
    )


def _kind(shape: dict) -> str:
    """The kind of a shape, which old versions of LabelMe wrote for no polygon."""
    return str(shape.get('shape_type') or 'polygon')


def _things(label: Path, width: int, height: int) -> Iterable[Thing]:
    from supervision.dataset.formats.labelme import labelme_shapes_to_detections

    content = read_json(label)
    said = content.get('imageWidth') or width, content.get('imageHeight') or height
    if said != (width, height):
        raise ValueError(
            f'it is for an image of {said[0]}x{said[1]} pixels, but the image has '
            f'{width}x{height}'
        )
    for kind in _SHAPES:
        shapes = [
            dict(shape, shape_type=kind)
            for shape in content['shapes']
            if _kind(shape) == kind
        ]
        if not shapes:
            continue
        names = sorted({shape['label'] for shape in shapes})
        with_masks = kind == 'polygon'
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            found = labelme_shapes_to_detections(
                shapes,
                {name: number for number, name in enumerate(names)},
                (width, height),
                with_masks,
            )
        yield from things(found, names)
