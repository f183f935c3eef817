"""Whether masks can be learned from a data set."""

import numpy as np

from mmreviewkd.names import counted

from .part import Part


def check_masks(parts: list[Part], classes: tuple[str, ...], notes: list[str]) -> bool:
    """Tell whether every instance has a mask, and note which one has not.

    Args:
        parts (list[Part]): The parts.
        classes (tuple[str]): The classes used.
        notes (list[str]): Gets the first annotation without a mask, where others have
            one.
    """
    used = [part.used(classes) for part in parts]
    masked = [part.coco.annotations.has_mask for part in parts]
    without = [own & ~mask for own, mask in zip(used, masked, strict=True)]
    total = sum(int(own.sum()) for own in used)
    number = sum(int(own.sum()) for own in without)
    if 0 < number < total:
        part, own = next(
            (part, own) for part, own in zip(parts, without, strict=True) if own.any()
        )
        anns = part.coco.annotations
        row = int(np.flatnonzero(own)[0])
        image = (
            part.coco.images[anns.image[row]].file_name
            if anns.image[row] >= 0
            else None
        )
        notes.append(
            f'only boxes are used, since {number} of {counted(total, "instance")} '
            f'{"has" if number == 1 else "have"} no mask: '
            f'{"" if number == 1 else "the first is "}annotation {anns.ids[row]!r} of '
            f'the image {image!r} in {part.name}; draw a mask there, or delete the '
            'annotation'
        )
    return number == 0
