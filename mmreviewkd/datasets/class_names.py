"""A check that the data sets of a run mean the same by the number of a class."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmreviewkd.errors import UsageError
from mmreviewkd.names import printable


def parts(dataset: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Take apart a joined, repeated or balanced data set, or its config.

    Args:
        dataset (Dataset | dict): The data set, or its config.
        place (str): Where the config has it, such as ``'train_dataloader.dataset'``.

    Yields:
        tuple[str, Dataset | dict]: The place of each part, and the part.
    """
    for key in ('datasets', 'dataset'):
        inner = (
            dataset.get(key)
            if isinstance(dataset, Mapping)
            else getattr(dataset, key, None)
        )
        if isinstance(inner, list | tuple):
            for number, part in enumerate(inner):
                yield from parts(part, f'{place}.{key}[{number}]')
            return
        if inner is not None:
            yield from parts(inner, f'{place}.{key}')
            return
    yield place, dataset


def class_names(dataset: Any) -> Sequence[str] | None:
    """Give the names of a built data set's classes; None if it has none.

    Of a joined data set, those of its first part.
    """
    part = next((part for _, part in parts(dataset, '')), None)
    metainfo = getattr(part, 'metainfo', None)
    return metainfo.get('classes') if isinstance(metainfo, Mapping) else None


def check_data_sets(dataset: Any, place: str) -> None:
    """Check the classes of a built data set and of its parts.

    Args:
        dataset (Dataset): The data set.
        place (str): Where the config has it.

    Raises:
        UsageError: See :func:`check_class_names`.
    """
    check_class_names(
        [
            (where, class_names(part))
            for where, part in parts(dataset, place)
            # For detectors that are told the classes with each image.
            if not getattr(part, 'return_classes', False)
        ]
    )


def check_class_names(lists: Sequence[tuple[str, Any]]) -> None:
    """Check that each list of classes is one, and that all number them alike.

    Args:
        lists (Sequence[tuple[str, Sequence[str] | None]]): Places of data sets in the
            config, and the classes of each; None where it has none.

    Raises:
        UsageError: If classes are one string, as where a comma is forgotten, or a
            number stands for different classes in two data sets.
    """
    known = [(place, names) for place, names in lists if names is not None]
    for place, names in known:
        if isinstance(names, str):
            raise UsageError(
                f'{place}.metainfo.classes is the string {names!r}, of which each '
                f'letter would be a class; write classes=({names!r},)'
            )
    for place, names in known[1:]:
        first, others = known[0]
        pairs = zip(others, names, strict=False)
        for label, (one, other) in enumerate(pairs):
            if one != other:
                raise UsageError(
                    f'{place} has other classes than {first}: label {label} is '
                    f'{printable(other)!r} in the one and {printable(one)!r} in the '
                    'other. Give both the same classes, in the same order: '
                    f'metainfo=dict(classes={_short(others)})'
                )


def _short(names: Sequence[str], most: int = 20) -> str:
    names = tuple(names)
    return repr(names) if len(names) <= most else f'... those of {len(names)} classes'
