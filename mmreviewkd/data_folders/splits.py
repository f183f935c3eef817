"""How the parts of data sets are named."""

import re
from pathlib import Path

_WORDS = dict(
    train=('train', 'training', 'trn'),
    val=('val', 'valid', 'validation', 'dev', 'eval'),
    test=('test', 'testing'),
)


def split_of(*names: str) -> str | None:
    """Tell which part names speak of: 'train', 'val' or 'test'.

    Args:
        *names (str): Names of a file and of its folder. The first that says it counts.

    >>> split_of('instances_train2017'), split_of('_annotations.coco', 'valid')
    ('train', 'val')
    """
    for name in names:
        words = re.split(r'[^a-z]+', name.lower())
        found = [split for split, own in _WORDS.items() if {*own} & {*words}]
        if len(found) == 1:
            return found[0]
    return None


def split_folders(root: Path) -> dict[str, Path]:
    """The folders of a data set that are named after its parts."""
    found: dict[str, Path] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        split = split_of(folder.name)
        if split:
            found.setdefault(split, folder)
    return found
