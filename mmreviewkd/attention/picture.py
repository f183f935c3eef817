"""The picture of an image: detectors and attention by level."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from mmdet.structures import DetDataSample
from torch import Tensor

from mmreviewkd.plot_instances import (
    add_legend,
    class_label,
    draw_objects,
    most_important,
    predicted,
)
from mmreviewkd.plot_style import styled

from .views import View, energy

_WIDTH = 2.2
ATTENTION = ('attention to\nthe level itself', 'attention to\nthe review')
_NOTE = (
    'Columns: levels of the necks. Rows of detectors: root mean square over the '
    'channels, each panel from 0 (dark) to its own maximum.\nAttention: from 0 to 1; '
    'the first level of the review, mostly the coarsest, has none.'
)


def draw(
    image: np.ndarray,
    views: Sequence[View],
    attention: Sequence[Sequence[Tensor | None]],
    classes: Sequence[str],
    score_thr: float = 0.3,
) -> Figure:
    """Draw what detectors see in an image, and what connectors attend to.

    Args:
        image (np.ndarray): The image (H, W, 3), RGB, from 0 to 255.
        views (Sequence[View]): A row each; all of the same levels. The last one's
            predictions tell how the image was scaled and padded.
        attention (Sequence[Sequence[Tensor | None]]): For each connector what
            :func:`attention_maps` returns; two rows each, where there is any.
        classes (Sequence[str]): Names of the classes.
        score_thr (float): Draw predictions with a score above. Defaults to 0.3.
    """
    scaled = views[-1].sample
    attention = [maps for maps in attention if any(m is not None for m in maps)]
    classes = [class_label(name) for name in classes]
    height, width = image.shape[:2]
    rows = len(views) + 2 * len(attention)
    levels = len(views[0].feats)
    with styled():
        figure = Figure(
            figsize=(
                _WIDTH * (1 + levels) + 0.4,
                (_WIDTH * height / width + 0.1) * rows + 0.8,
            ),
            layout='constrained',
        )
        panels = figure.subplots(rows, 1 + levels, squeeze=False)
        for axes in panels.flat:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            axes.grid(False)
        shown = []
        for row, view in zip(panels, views, strict=False):
            row[0].set_ylabel(view.name, fontweight='bold')
            picture = image
            if view.sample is not None:
                found = predicted(view.sample, score_thr)
                shown.append(most_important(found))
                picture = draw_objects(image, found, classes)
            row[0].imshow(picture)
            for axes, feat in zip(row[1:], view.feats, strict=True):
                _lay_over(axes, image, energy(feat), scaled, cmap='inferno')
        for axes, feat in zip(panels[0, 1:], views[0].feats, strict=True):
            # Maps of odd sizes are rounded up when they are halved.
            stride = scaled.batch_input_shape[0] / feat.shape[-2]
            axes.set_title(f'stride {2 ** round(math.log2(stride))}', loc='center')
        panels[0, 0].set_title('predictions', loc='center')
        for number, maps in enumerate(attention):
            _draw_attention(panels[len(views) + 2 * number :], image, maps, scaled)
        add_legend(figure, classes, shown, loc='outside lower right', fontsize=8)
        figure.supxlabel(_NOTE, fontsize=8, x=0.01, ha='left')
    return figure


def _draw_attention(
    rows: np.ndarray,
    image: np.ndarray,
    maps: Sequence[Tensor | None],
    scaled: DetDataSample,
) -> None:
    for channel, (row, title) in enumerate(zip(rows, ATTENTION, strict=False)):
        row[0].text(
            *(1, 0.5, title),
            transform=row[0].transAxes,
            fontweight='bold',
            ha='right',
            va='center',
        )
        for axes, attention in zip(row[1:], maps, strict=True):
            if attention is not None:
                shown = _lay_over(
                    *(axes, image, attention[0, channel].float(), scaled),
                    cmap='viridis',
                    vmax=1,
                )
            else:
                empty = axes
        scale = empty.inset_axes((0, 0.05, 0.05, 0.9))
        empty.figure.colorbar(shown, cax=scale)


def _lay_over(
    axes: Axes,
    image: np.ndarray,
    heat: Tensor,
    scaled: DetDataSample,
    cmap: str,
    vmax: float | None = None,
) -> AxesImage:
    """Lay a map over an image, without the part that lies over padding."""
    height, width = image.shape[:2]
    (inner_h, inner_w), (outer_h, outer_w) = scaled.img_shape, scaled.batch_input_shape
    axes.imshow(image.mean(axis=2), cmap='gray', vmin=0, vmax=255)
    shown = axes.imshow(
        heat.cpu().numpy(),
        alpha=0.65,
        interpolation='nearest',
        extent=(0, width * outer_w / inner_w, height * outer_h / inner_h, 0),
        cmap=cmap,
        vmin=0,
        vmax=vmax,
    )
    axes.set(xlim=(0, width), ylim=(height, 0))
    return shown
