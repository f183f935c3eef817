"""How objects are drawn into images, by MMDetection's visualizer."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import cv2
import matplotlib
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer
from mmengine.structures import InstanceData

from mmreviewkd.names import printable

MAX_OBJECTS = 100
"""More objects in an image are not drawn: only these, the best or largest ones."""
MAX_NAMES = 15
"""Where more objects are drawn into an image, their names would hide it."""
SIDE = 600
"""Longest side of the drawn image, in pixels, so that names can be read."""
# Easily told from each other and from photographs.
_COLOURS = (
    *('#ff7f0e', '#1f77b4', '#2ca02c', '#d62728', '#9467bd'),
    *('#e377c2', '#17becf', '#bcbd22', '#8c564b', '#0b2a6f'),
)
# Longer names of classes are cut.
_MAX_LENGTH = 30


def class_label(name: str) -> str:
    """Give the name of a class as it is to be shown."""
    text = printable(name)
    return text if len(text) <= _MAX_LENGTH else f'{text[: _MAX_LENGTH - 1]}…'


def class_colours(classes: Sequence[str]) -> list[tuple[float, float, float]]:
    """Give each class a colour: red, green and blue from 0 to 1."""
    if len(classes) <= len(_COLOURS):
        return [to_rgb(colour) for colour in _COLOURS[: len(classes)]]
    hues = matplotlib.colormaps['hsv'](np.linspace(0, 0.95, len(classes)))
    return [(red, green, blue) for red, green, blue, _ in hues]


def add_legend(figure: Figure, classes: Sequence[str], **options: Any) -> None:
    """Say which colour is which class, below the figure."""
    handles = [
        Patch(color=colour, label=name)
        for colour, name in zip(class_colours(classes), classes, strict=True)
    ]
    columns = min(len(classes), 10)
    figure.legend(handles=handles, ncols=columns, frameon=False, **options)


def predicted(sample: DetDataSample, min_score: float) -> InstanceData:
    """Take the predictions with a score above ``min_score``."""
    found = sample.pred_instances.cpu()
    return found[found.scores > min_score]


def most_important(objects: InstanceData, number: int = MAX_OBJECTS) -> InstanceData:
    """Choose the objects with the best scores, or where there are none the largest.

    Args:
        objects (:obj:`InstanceData`): Objects with ``bboxes`` (N, 4), x1, y1, x2, y2
            in pixels.
        number (int): How many. Defaults to :data:`MAX_OBJECTS`.
    """
    if 'scores' in objects:
        rank = objects.scores
    else:
        rank = (objects.bboxes[:, 2:] - objects.bboxes[:, :2]).prod(dim=1)
    return objects[rank.argsort(descending=True, stable=True)[:number]]


def draw_objects(
    image: np.ndarray,
    objects: InstanceData,
    classes: Sequence[str],
    with_names: bool = True,
) -> np.ndarray:
    """Draw boxes, masks and names; of too many objects, the most important ones.

    Args:
        image (np.ndarray): The image (H, W, 3), RGB, from 0 to 255.
        objects (:obj:`InstanceData`): With ``labels`` (N,) and ``bboxes`` (N, 4), x1,
            y1, x2, y2 in pixels; ``masks`` (N, H, W) and ``scores`` (N,) where there
            are any.
        classes (Sequence[str]): Names of the classes as they are to be shown.
        with_names (bool): Whether to write names, where they would not hide the image.
            Defaults to True.

    Returns:
        np.ndarray: The picture, scaled to a longest side of :data:`SIDE` pixels.
    """
    factor = SIDE / max(image.shape[:2])
    height, width = (max(1, round(factor * side)) for side in image.shape[:2])
    objects = most_important(objects)
    labels, boxes = objects.labels.numpy(), objects.bboxes.numpy()
    shown = InstanceData(labels=labels, bboxes=boxes * factor)
    if 'masks' in objects:
        masks = [
            cv2.resize(mask.astype(np.uint8), (width, height))
            for mask in np.asarray(objects.masks)
        ]
        shown.masks = np.array(masks, bool).reshape(-1, height, width)
    with_names = with_names and len(objects) <= MAX_NAMES
    # An empty name is not drawn.
    shown.label_names = [classes[label] if with_names else '' for label in labels]
    if with_names and 'scores' in objects:
        shown.scores = objects.scores
    visualizer = _Visualizer(line_width=2, alpha=0.5)
    visualizer.dataset_meta = dict(
        classes=classes,
        palette=[
            tuple(round(255 * part) for part in colour)
            for colour in class_colours(classes)
        ],
    )
    sample = DetDataSample(gt_instances=shown)
    scaled = cv2.resize(image, (width, height))
    with _own_random_numbers():
        visualizer.add_datasample('objects', scaled, sample, draw_pred=False)
    return visualizer.get_image()


class _Visualizer(DetLocalVisualizer):
    """Writes names large enough to be read where the picture is one of many."""

    def draw_texts(self, *args: Any, font_sizes: int, **options: Any) -> Any:
        return super().draw_texts(*args, font_sizes=max(10, font_sizes), **options)


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    """Keep NumPy's state: the visualizer varies colours at random.

    A training that draws a picture goes on as one that does not.
    """
    state = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)
