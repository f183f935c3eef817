"""Picture of a few validation images with what the detectors see in them."""

import io
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mmdet.apis import inference_detector
from mmengine.structures import InstanceData
from pycocotools.coco import COCO

from mmreviewkd.data_folders import DataFolder
from mmreviewkd.inference import load_detector
from mmreviewkd.plot_instances import (
    MAX_NAMES,
    MAX_OBJECTS,
    add_legend,
    class_label,
    draw_objects,
    most_important,
    predicted,
)
from mmreviewkd.plot_style import QUICK_NOTE, save, styled
from mmreviewkd.results.results import Results

from .checkpoints import trained_weights
from .plan import Run

IMAGES = 4
METHODS = 3
MIN_SCORE = 0.3


def plot_predictions(
    runs: Sequence[Run], results: Results, data: DataFolder, path: Path
) -> None:
    """Draw annotations and predictions, a row an image and a column a detector.

    Args:
        runs (Sequence[Run]): The runs. Of the first seed, teacher, student alone and
            the best methods are shown, as far as they are finished.
        results (Results): Their results.
        data (DataFolder): The data set.
        path (Path): The PNG to write.
    """
    chosen = _choose(runs, results)
    # What MMEngine, MMDetection and pycocotools say here concerns nobody.
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        files, truth = _read_truth(data)
        columns = {'annotated': truth}
        columns |= {run.name: _predict(run, files) for run in chosen}
        with styled():
            figure = _draw(files, columns, [class_label(name) for name in data.classes])
            if results.quick:
                figure.suptitle(QUICK_NOTE)
            save(figure, path)


def _choose(runs: Sequence[Run], results: Results) -> list[Run]:
    teachers = [run for run in runs if run.name == 'teacher'][:1]
    students = [run for run in runs if run.name != 'teacher']
    shown = ['student', *results.best(METHODS)]
    own = [run for run in students if run.seed == students[0].seed]
    chosen = [*teachers, *(run for run in own if run.name in shown)]
    return [run for run in chosen if run.seed in results.finished[run.name]]


def _read_truth(data: DataFolder) -> tuple[list[Path], list[InstanceData]]:
    """Pick images with annotations, evenly spread over the validation part."""
    coco = COCO(data.root / data.val.ann_file)
    labels = {
        category['id']: data.classes.index(category['name'])
        for category in coco.dataset['categories']
        if category['name'] in data.classes
    }
    by_image: dict[Any, list[dict]] = {}
    for ann in coco.dataset['annotations']:
        # Of images that are not listed, open_folder says so.
        if ann['category_id'] in labels and ann['image_id'] in coco.imgs:
            by_image.setdefault(ann['image_id'], []).append(ann)
    ids = sorted(by_image)
    ids = [ids[i] for i in np.linspace(0, len(ids) - 1, IMAGES).round().astype(int)]
    files, truth = [], []
    for image_id in dict.fromkeys(ids):
        name = coco.imgs[image_id]['file_name']
        files.append(data.root / data.val.img_prefix / name)
        anns = by_image[image_id]
        boxes = torch.tensor([ann['bbox'] for ann in anns], dtype=torch.float32)
        boxes[:, 2:] += boxes[:, :2]
        objects = InstanceData(
            labels=torch.tensor([labels[ann['category_id']] for ann in anns]),
            bboxes=boxes,
        )
        if data.has_masks:
            objects.masks = np.array([coco.annToMask(ann) for ann in anns])
        truth.append(objects)
    return files, truth


def _predict(run: Run, files: list[Path]) -> list[InstanceData]:
    model = load_detector(run.config, trained_weights(run))
    samples = inference_detector(model, [str(file) for file in files])
    return [predicted(sample, MIN_SCORE) for sample in samples]


def _draw(
    files: list[Path], columns: dict[str, list[InstanceData]], classes: Sequence[str]
) -> Figure:
    images = [mmcv.imread(file, channel_order='rgb') for file in files]
    heights = [image.shape[0] / image.shape[1] for image in images]
    figure = Figure(
        figsize=(3.2 * len(columns), 3.3 * sum(heights)), layout='constrained'
    )
    panels = figure.subplots(
        len(images), len(columns), squeeze=False, height_ratios=heights
    )
    for row, image in enumerate(images):
        most = max(len(found[row]) for found in columns.values())
        for axes, (title, found) in zip(panels[row], columns.items(), strict=True):
            axes.imshow(draw_objects(image, found[row], classes, most <= MAX_NAMES))
            axes.set_axis_off()
            if row == 0:
                axes.set_title(title, fontweight='bold')
            if len(found[row]) > MAX_OBJECTS:
                _write_note(axes, f'{MAX_OBJECTS} of {len(found[row])} objects')
    add_legend(
        figure,
        classes,
        [most_important(one) for found in columns.values() for one in found],
        loc='outside lower center',
        title=f'Detections with a score above {MIN_SCORE}',
    )
    return figure


def _write_note(axes: Axes, text: str) -> None:
    axes.text(
        *(1, 0, text),
        transform=axes.transAxes,
        fontsize=7,
        color='white',
        horizontalalignment='right',
        verticalalignment='bottom',
        bbox=dict(facecolor='black', edgecolor='none', pad=1),
    )
