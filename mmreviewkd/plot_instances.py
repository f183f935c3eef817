"""How objects are drawn into images, by MMDetection's visualizer."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
from matplotlib.colors import hsv_to_rgb, to_rgb
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
MAX_CLASSES = 24
"""A legend has so many classes at most, the most frequent ones."""
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
    # Neighbours are far apart: the golden ratio spreads hues evenly, however many
    # there are, and three strengths tell similar hues apart. 21 classes later the hue
    # is nearly the same, and the strength another one.
    strengths = ((0.9, 0.95), (1.0, 0.6), (0.5, 1.0))
    return [
        _rgb(number * 0.618034 % 1, *strengths[(number + number // 21) % 3])
        for number in range(len(classes))
    ]


def _rgb(hue: float, saturation: float, value: float) -> tuple[float, float, float]:
    red, green, blue = hsv_to_rgb((hue, saturation, value))
    return float(red), float(green), float(blue)


def add_legend(
    figure: Figure,
    classes: Sequence[str],
    shown: Iterable[InstanceData],
    **options: Any,
) -> None:
    """Say which colour is which class, below the figure.

    Args:
        figure (Figure): The figure.
        classes (Sequence[str]): Names of all classes as they are to be shown.
        shown (Iterable[:obj:`InstanceData`]): What is drawn. Of more than ten classes,
            only those in there are named, and of these :data:`MAX_CLASSES` at most.
        **options: Those of :meth:`matplotlib.figure.Figure.legend`.
    """
    counts = Counter(label for objects in shown for label in objects.labels.tolist())
    named = list(range(len(classes)))
    if len(classes) > len(_COLOURS):
        named = sorted(label for label, _ in counts.most_common(MAX_CLASSES))
    colours = class_colours(classes)
    handles = [Patch(color=colours[label], label=classes[label]) for label in named]
    if len(named) == MAX_CLASSES < len(counts):
        rest = len(counts) - MAX_CLASSES
        handles.append(Patch(alpha=0, label=f'and {rest} more'))
    if not handles:
        return
    # In inches, with the patch and the space beside it.
    width = 0.6 + 0.085 * max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, min(len(handles), int(figure.get_figwidth() / width)))
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
    side: int | None = SIDE,
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
        side (int, optional): Longest side of the picture in pixels. Defaults to
            :data:`SIDE`; None leaves the image's own size.

    Returns:
        np.ndarray: The picture.
    """
    factor = 1.0 if side is None else side / max(image.shape[:2])
    height, width = (max(1, round(factor * size)) for size in image.shape[:2])
    objects = _within(most_important(objects), *image.shape[:2])
    labels, boxes = objects.labels.numpy(), objects.bboxes.numpy()
    picture = cv2.resize(image, (width, height))
    colours = [
        tuple(round(255 * part) for part in colour) for colour in class_colours(classes)
    ]
    if 'masks' in objects:
        masks = np.asarray(objects.masks)
        picture = _lay_masks(picture, masks, [colours[label] for label in labels])
    # The picture's sides are rounded.
    scaled = np.minimum(factor * boxes, [width, height, width, height])
    shown = InstanceData(labels=labels, bboxes=scaled)
    with_names = with_names and len(objects) <= MAX_NAMES
    # An empty name is not written.
    shown.label_names = [classes[label] if with_names else '' for label in labels]
    if with_names and 'scores' in objects:
        shown.scores = objects.scores
    visualizer = _Visualizer(line_width=2, alpha=0.5)
    visualizer.dataset_meta = dict(classes=classes, palette=colours)
    sample = DetDataSample(gt_instances=shown)
    with _own_random_numbers():
        visualizer.add_datasample('objects', picture, sample, draw_pred=False)
    return visualizer.get_image()


def _within(objects: InstanceData, height: int, width: int) -> InstanceData:
    """Clip boxes to the image: the visualizer makes room for what lies beyond it.

    Some detectors find objects in the padding.
    """
    boxes = objects.bboxes.clone()
    boxes[:, 0::2].clamp_(0, width)
    boxes[:, 1::2].clamp_(0, height)
    inside = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
    objects = objects[inside]
    objects.bboxes = boxes[inside]
    return objects


def _lay_masks(
    picture: np.ndarray, masks: np.ndarray, colours: Sequence[tuple[int, ...]]
) -> np.ndarray:
    """Lay all masks over a picture as one layer, the most important ones on top.

    MMDetection's visualizer draws the whole picture again for each.
    """
    height, width = picture.shape[:2]
    layer = picture.copy()
    for mask, colour in reversed(list(zip(masks, colours, strict=True))):
        scaled = cv2.resize(mask.astype(np.uint8), (width, height))
        layer[scaled > 0] = colour
        edges, _ = cv2.findContours(scaled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(layer, edges, -1, (255, 255, 255), 1)
    return cv2.addWeighted(picture, 0.5, layer, 0.5, 0)


class _Visualizer(DetLocalVisualizer):
    """Writes names large enough to be read where the picture is one of many."""

    def draw_texts(
        self, texts: str, *args: Any, font_sizes: int, **options: Any
    ) -> Any:
        # A hundred empty names would cost as much time as others.
        if texts:
            size = max(10, font_sizes)
            super().draw_texts(texts, *args, font_sizes=size, **options)
        return self


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
