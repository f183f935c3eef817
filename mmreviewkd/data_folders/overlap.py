"""Images that stand in two parts of the data."""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from mmreviewkd.names import counted, printable
from mmreviewkd.preflight.image_files import file_size

from .part import Part

_ENDS = 1 << 12
_MOST = 20000
_FIRST = 3


class Files(NamedTuple):
    """Image files of a part, or of a folder without annotations.

    Args:
        folder (Path): The folder.
        names (Sequence[str]): Their names, relative to it.
        sizes (Sequence[int]): Their sizes in bytes, in the same order.
    """

    folder: Path
    names: Sequence[str]
    sizes: Sequence[int]

    @classmethod
    def of(cls, part: Part, sizes: Sequence[int]) -> 'Files':
        """Take those of a part, whose sizes are known."""
        return cls(part.folder, [image.file_name for image in part.coco.images], sizes)


def note_shared_images(
    train: Part,
    val: Part,
    sizes: tuple[Sequence[int], Sequence[int]],
    notes: list[str],
) -> None:
    """Note images of the same content, and those that only have the same name.

    Only files of the same size are read, and of these the two ends first.

    Args:
        train (Part): The training part.
        val (Part): The validation part.
        sizes (tuple[Sequence[int], Sequence[int]]): Sizes of the files of both, in
            bytes and in the order of the images.
        notes (list[str]): Gets what is found.
    """
    parts = [Files.of(part, own) for part, own in zip((train, val), sizes, strict=True)]
    shared, left = _shared(parts[0], parts[1])
    if shared:
        notes.append(
            f'{_stand(len(shared), val.name)} in {train.name} too, by content: '
            f'{_first(shared)}; the AP is too good by them, so take them out of one'
        )
    bare = [{os.path.basename(name) for name in part.names} for part in parts]
    again = sorted((bare[0] & bare[1]) - {os.path.basename(name) for name in shared})
    if again:
        notes.append(
            f'{counted(len(again), "file name")} in both {train.name} and {val.name}, '
            f'with other contents: {_first(again)}'
        )
    if left:
        notes.append(_not_compared(left, 'the other part'))


def note_unlabeled_images(
    folder: Path,
    names: Sequence[str],
    parts: Sequence[Part],
    sizes: Sequence[Sequence[int]],
    notes: list[str],
) -> None:
    """Note images of a folder without annotations that stand in a part too.

    Args:
        folder (Path): The folder.
        names (Sequence[str]): Its images, relative to it.
        parts (Sequence[Part]): The training part and the validation part.
        sizes (Sequence[Sequence[int]]): Sizes of the files of each, in bytes and in
            the order of the images.
        notes (list[str]): Gets what is found.
    """
    files = Files(folder, names, [file_size(folder, name) for name in names])
    harm = (
        'the student sees them twice',
        'the AP is too good by them',
    )
    for part, own, what in zip(parts, sizes, harm, strict=True):
        shared, left = _shared(Files.of(part, own), files)
        if shared:
            notes.append(
                f'{_stand(len(shared), f"--unlabeled {folder.name}")} in '
                f'{part.name} too, by content: {_first(shared)}; {what}, so take them '
                'out of that folder'
            )
        if left:
            notes.append(_not_compared(left, part.name))


def _shared(one: Files, other: Files) -> tuple[list[str], int]:
    """Files of the other that are in the one too, and how many are not compared."""
    common = set(one.sizes) & set(other.sizes)
    alike = [
        [
            name
            for name, size in zip(own.names, own.sizes, strict=True)
            if size in common
        ]
        for own in (one, other)
    ]
    folders = [one.folder, other.folder]
    # Many files have equal sizes, few have equal ends too.
    ends = [
        _by_content(folder, own[:_MOST], _ends)
        for folder, own in zip(folders, alike, strict=True)
    ]
    same = ends[0].keys() & ends[1].keys()
    whole = [
        _by_content(folder, [name for key in same for name in own[key]], _whole)
        for folder, own in zip(folders, ends, strict=True)
    ]
    found = [whole[1][key][0] for key in whole[0].keys() & whole[1].keys()]
    return sorted(found), sum(max(len(own) - _MOST, 0) for own in alike)


def _stand(number: int, where: str) -> str:
    return (
        f'{counted(number, "image")} of {where} {"stands" if number == 1 else "stand"}'
    )


def _not_compared(number: int, others: str) -> str:
    return (
        f'{counted(number, "image")} not compared with those of {others}, since more '
        f'than {_MOST} have a size that occurs in both'
    )


def _by_content(
    folder: Path, names: Sequence[str], digest: Callable[[Path], bytes]
) -> dict[bytes, list[str]]:
    found: dict[bytes, list[str]] = {}
    for name in names:
        found.setdefault(digest(folder / name), []).append(name)
    return found


def _ends(path: Path) -> bytes:
    with path.open('rb') as file:
        head = file.read(_ENDS)
        size = file.seek(0, 2)
        file.seek(max(size - _ENDS, 0))
        return hashlib.blake2b(head + file.read() + str(size).encode()).digest()


def _whole(path: Path) -> bytes:
    return hashlib.blake2b(path.read_bytes()).digest()


def _first(names: Sequence[str]) -> str:
    rest = f' and {len(names) - _FIRST} more' if len(names) > _FIRST else ''
    return ', '.join(map(printable, names[:_FIRST])) + rest
