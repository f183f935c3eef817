"""A run's predictions on the validation images: kept, and matched with the objects."""

import json
from pathlib import Path
from typing import Any

from mmdet.evaluation import CocoMetric
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmreviewkd.files import write_text
from mmreviewkd.results.kinds import COCO

from .image_matches import ImageMatches

_PREDICTIONS = 'predictions'
RESAMPLED = 'resampled_ap.json'
"""File of a run with its AP on resampled images, by kind, in points."""


class SavePredictionsHook(Hook):
    """Lets the COCO metric write its predictions to a run's folder.

    The predictions are those of the last evaluation, in COCO's format:
    ``predictions.{bbox,segm}.json``.

    Args:
        folder (Path): The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._prefix = str(folder / _PREDICTIONS)

    def before_val_epoch(self, runner: Runner) -> None:
        metric = _coco_metric(runner)
        if metric is not None:
            metric.outfile_prefix = self._prefix


def measure_accuracy(runner: Runner, folder: Path) -> dict[str, Any]:
    """Compute what the saved predictions tell beyond COCO's mean values.

    The AP on resampled images goes to ``resampled_ap.json``: kind to list, in points.

    Args:
        runner (Runner): Of the finished run.
        folder (Path): The run's folder.

    Returns:
        dict: ``class_ap``: AP in points by kind and class, None for a class without
        objects. Nothing where the evaluator is another than MMDetection's
        ``CocoMetric``.
    """
    metric = _coco_metric(runner)
    if metric is None:
        return {}
    class_ap, resampled = {}, {}
    for kind, name in COCO.items():
        file = folder / f'{_PREDICTIONS}.{name}.json'
        if name not in metric.metrics or not file.is_file():
            continue
        matches = ImageMatches(
            metric._coco_api, file, name, metric.img_ids, metric.cat_ids
        )
        aps = {
            category: None if ap is None else round(ap, 3)
            for category, ap in matches.class_aps().items()
        }
        classes = metric.dataset_meta['classes']
        class_ap[kind] = {
            label: aps[category]
            for label, category in zip(classes, metric.cat_ids, strict=True)
        }
        resampled[kind] = [round(ap, 3) for ap in matches.resampled_aps()]
    images = len(metric.img_ids or ())
    write_text(folder / RESAMPLED, _on_few_lines(dict(images=images) | resampled))
    return dict(class_ap=class_ap)


def _coco_metric(runner: Runner) -> Any:
    metrics = runner.val_loop.evaluator.metrics
    return next((one for one in metrics if isinstance(one, CocoMetric)), None)


def _on_few_lines(content: dict) -> str:
    lines = [
        f'{json.dumps(key)}: {json.dumps(value)}' for key, value in content.items()
    ]
    return '{\n' + ',\n'.join(lines) + '\n}\n'
