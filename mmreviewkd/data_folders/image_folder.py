"""The folder that the file names of an annotation file are relative to."""

import os
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from mmreviewkd.names import printable
from mmreviewkd.preflight.coco_file import Image
from mmreviewkd.preflight.image_files import file_size

from .errors import DataError
from .splits import split_of

_SAMPLE = 50
_MOST_FOLDERS = 5000
_NAMES = ('', 'images', 'JPEGImages', 'imgs', 'img', 'data')


def find_folder(
    images: Sequence[Image], ann_file: Path, root: Path, given: Path | None
) -> tuple[Path, bool]:
    """Find the folder of the images.

    Args:
        images (Sequence[Image]): Images of the annotation file, one at least.
        ann_file (Path): The annotation file.
        root (Path): The data set's folder.
        given (Path, optional): The folder that the user has named; only this one and
            its parts are looked in.

    Returns:
        tuple[Path, bool]: The folder in which most images are, and whether the names
        without their folders are to be taken.

    Raises:
        DataError: If no image is found.
    """
    step = max(1, len(images) // _SAMPLE)
    names = [image.file_name for image in images[::step]]
    folders = _folders(ann_file, root, given)
    for bare in (False, True):
        own = [bare_name(name) for name in names] if bare else names
        counts = [
            sum(file_size(folder, name) >= 0 for name in own) for folder in folders
        ]
        if max(counts):
            return folders[counts.index(max(counts))], bare
    where = _search(bare_name(names[0]), given or root)
    looked_in = ', '.join(
        os.path.relpath(folder, root) if folder.is_relative_to(root) else str(folder)
        for folder in folders
    )
    raise DataError(
        f'{ann_file.name}: the image {printable(names[0])} is in none of the folders '
        f'{looked_in} of {root}; '
        + (f'write --images {where}' if where else 'name its folder with --images')
    )


def bare_name(name: str) -> str:
    """The name of a file without its folders, of Windows too."""
    return PureWindowsPath(name).name


def _folders(ann_file: Path, root: Path, given: Path | None) -> list[Path]:
    """Where images usually are, the likeliest first."""
    stem = ann_file.stem.removeprefix('instances_')
    parts = [stem, ann_file.parent.name]
    kind = split_of(*parts)
    if kind:
        parts += [kind, f'{kind}2017', *(['valid'] if kind == 'val' else [])]
    tops = [given] if given else [root, ann_file.parent, ann_file.parent.parent]
    found = []
    for top in tops:
        if not top.is_relative_to(given or root) and top != ann_file.parent:
            continue
        for part in parts:
            found += [top / 'images' / part, top / part, top / part / 'images']
        found += [top / name for name in _NAMES]
    # A folder `images` with the whole set comes before those of its parts.
    found.sort(key=lambda folder: folder != root / 'images')
    return [folder for folder in dict.fromkeys(found) if folder.is_dir()] or [root]


def _search(name: str, root: Path) -> Path | None:
    """Look for a file in all folders, up to a few thousand."""
    for number, (folder, _, files) in enumerate(os.walk(root)):
        if name in files:
            return Path(folder)
        if number > _MOST_FOLDERS:
            break
    return None
