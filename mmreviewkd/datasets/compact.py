"""Memory that MMDetection's data sets keep of their annotation file."""

from array import array
from typing import Any

from .class_names import parts


def compact(dataset: Any) -> None:
    """Let go of what a built data set keeps of the parsed annotation file.

    MMDetection's ``CocoDataset`` keeps ``cat_img_map``, the images of each class, which
    it needs only while it is built. Its numbers are Python objects scattered among
    those of the file, of which they keep most of the memory from being given back. Here
    the lists become arrays of the same numbers. Ids that are texts stay as they are.

    Args:
        dataset (Dataset): The data set, or several that are joined.
    """
    for _, part in parts(dataset, ''):
        images = getattr(part, 'cat_img_map', None)
        if not isinstance(images, dict):
            continue
        for category, ids in images.items():
            try:
                images[category] = array('q', ids)
            except (TypeError, OverflowError):
                return
