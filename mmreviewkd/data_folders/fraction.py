"""Images that are kept for validation."""

import random
from collections.abc import Sequence
from typing import Any, TypeVar

from .errors import DataError

T = TypeVar('T')
SEED = 0


def divide(items: Sequence[T], fraction: float) -> tuple[list[T], list[T]]:
    """Draw a share of items, the same ones each time.

    Args:
        items (Sequence): The items.
        fraction (float): Share of those that are drawn; one at least is, and one is
            left.

    Returns:
        tuple[list, list]: Those that are left, and those that are drawn, both in their
        order.

    Raises:
        DataError: If there are less than two.
    """
    if len(items) < 2:
        raise DataError('one image cannot be divided into training and validation')
    number = min(max(round(fraction * len(items)), 1), len(items) - 1)
    drawn = {*random.Random(SEED).sample(range(len(items)), number)}
    return (
        [item for index, item in enumerate(items) if index not in drawn],
        [item for index, item in enumerate(items) if index in drawn],
    )


def divide_coco(content: dict[str, Any], fraction: float) -> list[dict[str, Any]]:
    """Divide the content of an annotation file by its images."""
    parts = []
    for images in divide(content['images'], fraction):
        ids = {image['id'] for image in images}
        annotations = [a for a in content['annotations'] if a['image_id'] in ids]
        parts.append(content | dict(images=images, annotations=annotations))
    return parts
