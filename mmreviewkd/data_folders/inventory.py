"""What is in a folder where no data set was found."""

import os
from collections import Counter
from pathlib import Path

from mmreviewkd.image_files import IMAGE_SUFFIXES
from mmreviewkd.names import printable

_MOST = 200_000
_KINDS = 5
_PAGE = 'docs/data_formats.md'


def not_found(root: Path) -> str:
    """Say what is there, and what is missing for the format that it looks like."""
    kinds = _count(root)
    if not kinds:
        return f'{root} is empty; {_PAGE} says what a data set looks like'
    listing = ' and '.join(
        f'{number} {kind} {"file" if number == 1 else "files"}'
        for kind, number in kinds.most_common(_KINDS)
    )
    number = sum(kinds.values())
    verb = 'is' if number == 1 else 'are'
    return f'in {root} {verb} {listing}, but {_missing(root, kinds)}'


def _count(root: Path) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for _, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith('.')]
        for name in files:
            if not name.startswith('.'):
                kinds[printable(Path(name).suffix.lower()) or 'other'] += 1
        if kinds.total() > _MOST:
            break
    return kinds


def _missing(root: Path, kinds: Counter[str]) -> str:
    images = sum(kinds[suffix] for suffix in IMAGE_SUFFIXES)
    if kinds['.zip'] or kinds['.tar'] or kinds['.gz']:
        return 'no data set; unpack the archives first'
    if images and kinds['.txt'] > 2:
        return (
            'no data.yaml, which says what the .txt files mean; if they are labels in '
            'YOLO format, write one with three lines: train: and val: with the folders '
            'of the images, and names: [...] with the classes in order'
        )
    if kinds['.json']:
        return (
            'no .json file is one of COCO (with images, annotations and categories) or '
            f'of LabelMe; name it with --train-ann if it is one, or see {_PAGE}'
        )
    if kinds['.xml']:
        return (
            'no .xml file is one of Pascal VOC in a folder where they usually are '
            f'(Annotations/, train/); see {_PAGE}'
        )
    if kinds['.csv'] or kinds['.tfrecord']:
        return 'tables and records are not read; export the data set in COCO format'
    if images:
        return (
            'no annotations: no COCO file, no data.yaml of YOLO, no XML of Pascal '
            'VOC, no JSON of LabelMe; name the annotation file with --train-ann'
        )
    return f'neither images nor annotations; {_PAGE} says what a data set looks like'
