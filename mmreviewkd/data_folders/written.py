"""Annotation files that are made from the user's, in the folder of the work."""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mmreviewkd.files import read_json, write_json, write_text

from .errors import DataError

STAMP = 'made_from.json'
"""File beside those that are made, which says what they are made from."""
_PARTS = ('train', 'val')


def written(
    folder: Path, sources: Iterable[Path], how: dict[str, Any], make: Callable
) -> tuple[list[Path], list[str]]:
    """Make annotation files once, and take the same ones ever after.

    Args:
        folder (Path): Where to write ``train.json`` and ``val.json``.
        sources (Iterable[Path]): The files that they are made from.
        how (dict): Everything else that they depend on.
        make (Callable): Returns the contents of both, and notes about them.

    Returns:
        tuple[list[Path], list[str]]: The two files, and the notes.

    Raises:
        DataError: If the folder holds files that were made from something else.
    """
    stamp = how | dict(files=_digest(sources))
    path = folder / STAMP
    files = [folder / f'{part}.json' for part in _PARTS]
    if path.is_file():
        old = read_json(path)
        differing = [key for key in stamp if old.get(key) != stamp[key]]
        if differing:
            raise stale(folder, differing)
        return files, old['notes']
    contents, notes = make()
    for file, content in zip(files, contents, strict=True):
        write_text(file, json.dumps(content))
    # Last, so that what is cut off is made again.
    write_json(path, stamp | dict(notes=notes))
    return files, notes


def stale(folder: Path, differing: Iterable[str]) -> DataError:
    """The error of a folder with files of other data; it names what differs."""
    return DataError(
        f'{folder} holds annotations that were made from another state of the '
        f'data (differing: {", ".join(differing)}); give another --work-dir, '
        'or delete that folder to begin anew'
    )


def _digest(sources: Iterable[Path]) -> str:
    """A number of all names and contents."""
    digest = hashlib.sha256()
    for path in sources:
        digest.update(repr(path.name).encode())
        with path.open('rb') as file:
            for block in iter(lambda: file.read(1 << 20), b''):
                digest.update(block)
    return digest.hexdigest()
