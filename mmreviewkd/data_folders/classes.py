"""The classes of a data set, and those of them that have no instance."""

import shlex
from collections.abc import Iterable, Sequence

from mmreviewkd.names import counted, printable, some

from .errors import DataError
from .part import Part


def choose_classes(
    train: Part, val: Part, wanted: Sequence[str] | None
) -> tuple[str, ...]:
    """The classes to use, in the order in which MMDetection numbers them.

    Args:
        train (Part): The training part, whose order counts.
        val (Part): The validation part.
        wanted (Sequence[str], optional): The classes to use. None: all.

    Raises:
        DataError: If a class is missing or the orders differ.
    """
    classes = _choose(train, wanted)
    if _choose(val, classes) != classes:
        raise DataError(
            f'{train.name} and {val.name} list their categories in different orders, '
            'which MMDetection would mix up; give both the same order'
        )
    return classes


def count_instances(
    part: Part, classes: tuple[str, ...], notes: list[str]
) -> dict[str, int]:
    """Count the instances of each class, crowds left out.

    Args:
        part (Part): The part.
        classes (tuple[str]): The classes used.
        notes (list[str]): Gets what is to be said of classes without instances.

    Raises:
        DataError: If there is no instance at all.
    """
    used = part.used(classes)
    counts = part.counts(part.instances(classes))
    without = [name for name in classes if not counts[name]]
    crowds = int((used & part.coco.annotations.crowd).sum())
    if not any(counts.values()) and crowds:
        raise DataError(
            f'{part.name}: {"the only annotation is a crowd" if crowds == 1 else ""}'
            f'{f"all {crowds} annotations are crowds" if crowds > 1 else ""} (iscrowd '
            'is 1), which training ignores; CVAT writes so what is drawn with the '
            'brush. Set iscrowd to 0, or export polygons'
        )
    if not any(counts.values()):
        raise DataError(f'{part.name} has no instance of its classes: {some(without)}')
    if crowds:
        notes.append(
            f'{part.name}: {counted(crowds, "crowd")}, taken as ignored regions'
        )
    if without:
        notes.append(f'{part.name} has no instance of {some(without)}')
    return counts


def note_supercategory(
    train: Part, classes: tuple[str, ...], counts: dict[str, int], notes: list[str]
) -> None:
    """Note the category that Roboflow adds for the whole set."""
    for category in train.coco.categories:
        name = category['name']
        above = {other.get('supercategory') for other in train.coco.categories} - {
            None,
            'none',
            '',
        }
        if name in classes and not counts[name] and above == {name}:
            rest = [other for other in classes if other != name]
            notes.append(
                f'the category {printable(name)} (id {category["id"]}) is the '
                'supercategory of all others, which Roboflow adds; leave it out by '
                f'--classes {printable(shlex.join(rest))}'
            )


def listed(names: Iterable[str]) -> str:
    """Names, as they can be printed."""
    return ', '.join(map(printable, names))


def _choose(part: Part, wanted: Sequence[str] | None) -> tuple[str, ...]:
    present = [category['name'] for category in part.coco.categories]
    listing = listed(present) or 'none'
    unknown = [name for name in wanted or () if name not in present]
    if unknown:
        raise DataError(
            f'{part.name} has no class {listed(unknown)}; its classes: {listing}'
        )
    chosen = tuple(name for name in present if wanted is None or name in wanted)
    if len(set(chosen)) < len(chosen) or not chosen:
        raise DataError(
            f'{part.name} needs categories with different names; got: {listing}'
        )
    return chosen
