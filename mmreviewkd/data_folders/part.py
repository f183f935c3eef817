"""A part of a data set, read but not yet checked."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmreviewkd.names import printable
from mmreviewkd.preflight.coco_file import Coco, read_coco
from mmreviewkd.preflight.findings import Findings

from .errors import DataError


class Part(NamedTuple):
    """Training or validation part.

    Args:
        name (str): What to call the annotation file.
        path (Path): The annotation file.
        coco (Coco): Its content.
        folder (Path): Folder that its file names are relative to.
    """

    name: str
    path: Path
    coco: Coco
    folder: Path

    def used(self, classes: tuple[str, ...]) -> np.ndarray:
        """Which annotations are of some classes (N,), bool."""
        ids = [c['id'] for c in self.coco.categories if c['name'] in classes]
        return np.isin(self.coco.annotations.category_id, ids)

    def instances(self, classes: tuple[str, ...]) -> np.ndarray:
        """Which annotations of them are no crowds, and of a listed image (N,), bool."""
        anns = self.coco.annotations
        return self.used(classes) & ~anns.crowd & (anns.image >= 0)

    def counts(self, chosen: np.ndarray) -> dict[str, int]:
        """How many of the chosen annotations (N,) each category has."""
        ids, numbers = np.unique(
            self.coco.annotations.category_id[chosen], return_counts=True
        )
        by_id = dict(zip(ids.tolist(), numbers.tolist(), strict=True))
        return {c['name']: by_id.get(c['id'], 0) for c in self.coco.categories}


def read_part(path: Path, root: Path) -> tuple[str, Coco]:
    """Read an annotation file, and say what to call it.

    Raises:
        DataError: If it has a fault.
    """
    inside = path.is_relative_to(root)
    name = printable(str(path.relative_to(root) if inside else path))
    found = Findings()
    coco = read_coco(path, name, found)
    if coco is None or found.problems:
        raise DataError(found.problems[0])
    if not coco.images:
        raise DataError(f'{name} lists no images')
    return name, coco
