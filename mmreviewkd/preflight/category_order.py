"""The order of the categories in the annotation files of a run."""

from collections.abc import Sequence
from typing import NamedTuple

from .findings import Findings


class CategoryOrder(NamedTuple):
    """The classes that are used of an annotation file.

    Args:
        name (str): Name of the file.
        order (tuple[str]): In the file's order.
        classes (tuple[str]): In that of ``metainfo.classes``.
    """

    name: str
    order: tuple[str, ...]
    classes: tuple[str, ...]


def check_order(orders: Sequence[CategoryOrder], found: Findings) -> None:
    """Check that labels are numbered as they are named.

    MMDetection numbers labels in the file's order and names them in that of
    ``metainfo.classes``. All files of a run need the same order, so what has to change
    depends on all of them.

    Args:
        orders (Sequence[CategoryOrder]): The files of a run.
        found (Findings): Gets a problem for each file that mixes up labels.
    """
    if not orders:
        return
    right = orders[0].classes
    files = [one for one in orders if sorted(one.order) == sorted(right)]
    if files and all(one.order != right for one in files):
        right = files[0].order
    for one in files:
        mixed = f'{one.name} lists its categories in another order than '
        if one.order != right:
            found.problem(
                f'{mixed}other data sets of this run, which mixes up the labels; sort '
                f'the entries of its list "categories" as {right!r}'
            )
        elif one.classes != right:
            found.problem(
                f'{mixed}metainfo.classes, which mixes up the labels; write '
                f'classes={right!r}'
            )
    for one in orders:
        if one not in files and one.order != one.classes:
            found.problem(
                f'{one.name} lists its categories in another order than '
                f'metainfo.classes, which mixes up the labels; write '
                f'classes={one.order!r}'
            )
