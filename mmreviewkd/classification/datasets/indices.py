"""Some of the images of a data set."""

from collections.abc import Sequence

import numpy as np


def chosen(indices: int | Sequence[int] | None, total: int) -> list[int]:
    """List the images to take.

    Args:
        indices (int | Sequence[int], optional): Their indices; or how many, which are
            then spread evenly from the first to the last. None: all.
        total (int): How many there are.

    >>> chosen(4, 64), chosen([5, 7], 64), chosen(9, 3)
    ([0, 21, 42, 63], [5, 7], [0, 1, 2])
    """
    if indices is None:
        return list(range(total))
    if isinstance(indices, int):
        return (
            np.linspace(0, total - 1, min(indices, total)).round().astype(int).tolist()
        )
    return list(indices)
