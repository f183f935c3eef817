"""How objects are drawn into images."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from mmdet.structures import DetDataSample

from mmreviewkd.names import printable

MAX_NAMES = 15
"""Where more instances are found in an image, their names would hide it."""
# Easily told from each other and from photographs.
_COLOURS = (
    *('#ff7f0e', '#1f77b4', '#2ca02c', '#d62728', '#9467bd'),
    *('#e377c2', '#17becf', '#bcbd22', '#8c564b', '#0b2a6f'),
)
# Longer names of classes are cut.
_MAX_LENGTH = 30


class Instance(NamedTuple):
    """One object, seen or annotated: box (x1, y1, x2, y2) and mask (H, W)."""

    label: int
    box: np.ndarray
    mask: np.ndarray | None
    score: float | None


def predicted(sample: DetDataSample, min_score: float) -> list[Instance]:
    """Take the predictions with a score above ``min_score``."""
    found = sample.pred_instances.cpu().numpy()
    found = found[found.scores > min_score]
    masks = found.masks if 'masks' in found else [None] * len(found)
    return [
        Instance(*values)
        for values in zip(found.labels, found.bboxes, masks, found.scores, strict=True)
    ]


def class_label(name: str) -> str:
    """Give the name of a class as it is to be shown."""
    text = printable(name)
    return text if len(text) <= _MAX_LENGTH else f'{text[: _MAX_LENGTH - 1]}…'


def class_colours(classes: Sequence[str]) -> Sequence:
    """Give each class a colour."""
    if len(classes) <= len(_COLOURS):
        return _COLOURS
    return list(matplotlib.colormaps['hsv'](np.linspace(0, 0.95, len(classes))))


def add_legend(figure: Figure, classes: Sequence[str], **options: Any) -> None:
    """Say which colour is which class, below the figure."""
    handles = [
        Patch(color=colour, label=name)
        for colour, name in zip(class_colours(classes), classes, strict=False)
    ]
    columns = min(len(classes), 10)
    figure.legend(handles=handles, ncols=columns, frameon=False, **options)


def draw_instances(axes: Axes, instances: list[Instance], colours: Sequence) -> None:
    """Draw boxes and masks."""
    for label, (x1, y1, x2, y2), mask, _ in instances:
        if mask is not None:
            shade = np.zeros((*mask.shape, 4))
            shade[mask] = to_rgba(colours[label], 0.55)
            axes.imshow(shade)
        outline = dict(fill=False, edgecolor=colours[label], linewidth=1.3)
        axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, **outline))


def write_names(
    axes: Axes,
    instances: list[Instance],
    classes: Sequence[str],
    colours: Sequence,
) -> None:
    """Write the classes of the instances to their boxes, and their scores."""
    for label, (x1, y1, _, _), _, score in instances:
        # Above the box, or within it at the image's upper edge.
        above = y1 > 0.06 * max(axes.get_ylim())
        axes.text(
            x1,
            y1,
            classes[label] if score is None else f'{classes[label]} {score:.2f}',
            fontsize=6.5,
            color='white',
            verticalalignment='bottom' if above else 'top',
            bbox=dict(facecolor=colours[label], edgecolor='none', pad=0.8),
            clip_on=True,
        )
