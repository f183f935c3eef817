"""Picture of a few validation images with what the detectors see in them."""

import io
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

import matplotlib
import mmcv
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from mmdet.apis import inference_detector, init_detector
from mmengine.device import get_device
from pycocotools.coco import COCO

from mmreviewkd.files import last_whole_checkpoint
from mmreviewkd.plot_style import QUICK_NOTE, save, styled

from .coco_folder import CocoFolder
from .plan import MAIN, Run

IMAGES = 4
MIN_SCORE = 0.3
# Where more instances are found in an image, their names would hide it.
_MAX_NAMES = 15
# Easily told from each other and from photographs.
_COLOURS = (
    *('#ff7f0e', '#1f77b4', '#2ca02c', '#d62728', '#9467bd'),
    *('#e377c2', '#17becf', '#bcbd22', '#8c564b', '#0b2a6f'),
)


class Instance(NamedTuple):
    """One object, seen or annotated: box (x1, y1, x2, y2) and mask (H, W)."""

    label: int
    box: np.ndarray
    mask: np.ndarray | None
    score: float | None


def plot_predictions(
    runs: Sequence[Run], data: CocoFolder, path: Path, quick: bool = False
) -> None:
    """Draw annotations and predictions, a row an image and a column a detector.

    Args:
        runs (Sequence[Run]): Finished runs; the main ones of the first seed are
            shown.
        data (CocoFolder): The data set.
        path (Path): The PNG to write.
        quick (bool): Whether the runs only show that all works.
            Defaults to False.
    """
    chosen = [run for run in runs if run.seed == runs[0].seed and run.name in MAIN]
    # What MMEngine, MMDetection and pycocotools say here concerns nobody.
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        files, truth = _read_truth(data)
        columns = {'annotated': truth}
        columns |= {run.name: _predict(run, files) for run in chosen}
    with styled():
        figure = _draw(files, columns, data.classes)
        if quick:
            figure.suptitle(QUICK_NOTE)
        save(figure, path)


def _read_truth(data: CocoFolder) -> tuple[list[Path], list[list[Instance]]]:
    """Pick images with annotations, evenly spread over the validation part."""
    coco = COCO(data.root / data.val.ann_file)
    labels = {
        category['id']: data.classes.index(category['name'])
        for category in coco.dataset['categories']
        if category['name'] in data.classes
    }
    used = [ann for ann in coco.dataset['annotations'] if ann['category_id'] in labels]
    ids = sorted({ann['image_id'] for ann in used})
    ids = [ids[i] for i in np.linspace(0, len(ids) - 1, IMAGES).round().astype(int)]
    files, truth = [], []
    for image_id in dict.fromkeys(ids):
        name = coco.imgs[image_id]['file_name']
        files.append(data.root / data.val.img_prefix / name)
        instances = []
        for ann in (ann for ann in used if ann['image_id'] == image_id):
            x, y, width, height = ann['bbox']
            box = np.array([x, y, x + width, y + height])
            mask = coco.annToMask(ann).astype(bool) if data.has_masks else None
            instances.append(Instance(labels[ann['category_id']], box, mask, None))
        truth.append(instances)
    return files, truth


def _predict(run: Run, files: list[Path]) -> list[list[Instance]]:
    model = init_detector(
        run.config.copy(),
        str(last_whole_checkpoint(run.folder)),
        palette='random',
        device=get_device(),
        # Otherwise it looks for a backbone, which a distilled model's config has
        # in another place.
        cfg_options={},
    )
    predictions = []
    for sample in inference_detector(model, [str(file) for file in files]):
        found = sample.pred_instances.cpu().numpy()
        found = found[found.scores > MIN_SCORE]
        masks = found.masks if 'masks' in found else [None] * len(found)
        predictions.append(
            [
                Instance(*values)
                for values in zip(
                    found.labels, found.bboxes, masks, found.scores, strict=True
                )
            ]
        )
    return predictions


def _draw(
    files: list[Path],
    columns: dict[str, list[list[Instance]]],
    classes: tuple[str, ...],
) -> Figure:
    images = [mmcv.imread(file, channel_order='rgb') for file in files]
    heights = [image.shape[0] / image.shape[1] for image in images]
    figure = Figure(
        figsize=(3.2 * len(columns), 3.3 * sum(heights)), layout='constrained'
    )
    panels = figure.subplots(
        len(images), len(columns), squeeze=False, height_ratios=heights
    )
    colours = _COLOURS
    if len(classes) > len(colours):
        colours = matplotlib.colormaps['hsv'](np.linspace(0, 0.95, len(classes)))
    for row, image in enumerate(images):
        for axes, (title, instances) in zip(panels[row], columns.items(), strict=True):
            axes.imshow(image)
            axes.set_axis_off()
            if row == 0:
                axes.set_title(title, fontweight='bold')
            _draw_instances(axes, instances[row], colours)
            if max(len(found[row]) for found in columns.values()) <= _MAX_NAMES:
                _write_names(axes, instances[row], classes, colours)
    figure.legend(
        handles=[
            Patch(color=colour, label=name)
            for colour, name in zip(colours, classes, strict=False)
        ],
        loc='outside lower center',
        ncols=min(len(classes), 10),
        frameon=False,
        title=f'Detections with a score above {MIN_SCORE}',
    )
    return figure


def _draw_instances(axes: Axes, instances: list[Instance], colours: Sequence) -> None:
    for label, (x1, y1, x2, y2), mask, _ in instances:
        if mask is not None:
            shade = np.zeros((*mask.shape, 4))
            shade[mask] = to_rgba(colours[label], 0.55)
            axes.imshow(shade)
        outline = dict(fill=False, edgecolor=colours[label], linewidth=1.3)
        axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, **outline))


def _write_names(
    axes: Axes,
    instances: list[Instance],
    classes: tuple[str, ...],
    colours: Sequence,
) -> None:
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
