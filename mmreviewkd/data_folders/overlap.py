"""Images that stand in training and in validation."""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from mmreviewkd.names import counted, printable

from .part import Part

_ENDS = 1 << 12
_MOST = 20000
_FIRST = 3


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
    names = [[image.file_name for image in part.coco.images] for part in (train, val)]
    common = set(sizes[0]) & set(sizes[1])
    alike = [
        [name for name, size in zip(own, own_sizes, strict=True) if size in common]
        for own, own_sizes in zip(names, sizes, strict=True)
    ]
    left = sum(max(len(own) - _MOST, 0) for own in alike)
    folders = [train.folder, val.folder]
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
    shared = sorted(whole[1][key][0] for key in whole[0].keys() & whole[1].keys())
    if shared:
        notes.append(
            f'{counted(len(shared), "image")} of {val.name} '
            f'{"stands" if len(shared) == 1 else "stand"} in {train.name} too, by '
            f'content: {_first(shared)}; the AP is too good by them, so take them out '
            'of one'
        )
    bare = [{os.path.basename(name) for name in own} for own in names]
    again = sorted((bare[0] & bare[1]) - {os.path.basename(name) for name in shared})
    if again:
        notes.append(
            f'{counted(len(again), "file name")} in both {train.name} and {val.name}, '
            f'with other contents: {_first(again)}'
        )
    if left:
        notes.append(
            f'{counted(left, "image")} not compared with those of the other part, '
            f'since more than {_MOST} have a size that occurs in both'
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
