"""COCO's matches of saved predictions, and AP of classes and of resampled images."""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmreviewkd.files import read_json

MAX_DETECTIONS = 100
"""As in COCO's AP."""
RESAMPLES = 400
_MOST_AT_ONCE = 4_000_000
"""Numbers in an array; some such arrays are in use at a time."""


class _Class(NamedTuple):
    """Detections of one class, the highest score first, at each IoU threshold."""

    images: np.ndarray  # (D,) index of the image
    true: np.ndarray  # (T, D) is matched
    false: np.ndarray  # (T, D) is not, and is not to be ignored
    objects: np.ndarray  # (N,) objects of each image


class ImageMatches:
    """Which predictions match which objects, image by image.

    pycocotools matches once; AP is then accumulated for any choice of the images, by
    its rules, but hundreds of times as fast, which resampling needs.

    Args:
        truth (COCO): The annotations.
        predictions (str | Path): The predictions, as MMDetection's ``CocoMetric``
            writes them with ``outfile_prefix``.
        kind (str): ``'bbox'`` or ``'segm'``.
        img_ids (Sequence[int]): Ids of the images to evaluate on.
        cat_ids (Sequence[int]): Ids of the classes.
    """

    def __init__(
        self,
        truth: COCO,
        predictions: str | Path,
        kind: str,
        img_ids: Sequence[int],
        cat_ids: Sequence[int],
    ) -> None:
        self.num_images = len(img_ids)
        with redirect_stdout(io.StringIO()):
            evaluation = _evaluate(truth, predictions, kind, img_ids, cat_ids)
        self._recalls = evaluation.params.recThrs
        # Classes by images, since there is one range of areas.
        found = np.array(evaluation.evalImgs, object).reshape(-1, self.num_images)
        thresholds = len(evaluation.params.iouThrs)
        self._classes = {
            int(category): _read_class(list(images), thresholds)
            for category, images in zip(evaluation.params.catIds, found, strict=True)
        }

    def class_aps(self) -> dict[int, float | None]:
        """Give the AP by class id, in points of 100; None where it has no objects."""
        aps = self._class_aps(np.ones((1, self.num_images), int))[:, 0]
        return {
            category: None if np.isnan(ap) else float(ap)
            for category, ap in zip(self._classes, aps, strict=True)
        }

    def aps(self, weights: np.ndarray) -> np.ndarray:
        """Give COCO's AP, in points of 100; 0 without objects.

        MMDetection rounds the same number to 0.1 points.

        Args:
            weights (ndarray): How often each image counts, whole numbers (R, N).

        Returns:
            ndarray: The AP for each row of weights (R,).
        """
        aps = self._class_aps(weights)
        known = ~np.isnan(aps)
        return np.where(known, aps, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)

    def resampled_aps(self) -> list[float]:
        """Give the AP on :data:`RESAMPLES` sets of as many images, drawn with repeats.

        The draws are the same for all runs on the same images, so that differences of
        two runs are differences on the same draws.
        """
        even = np.full(self.num_images, 1 / self.num_images)
        draws = np.random.default_rng(0).multinomial(self.num_images, even, RESAMPLES)
        return self.aps(draws).tolist()

    def _class_aps(self, weights: np.ndarray) -> np.ndarray:
        """Give the AP of each class for each row of weights (K, R); NaN for none."""
        found = np.full((len(self._classes), len(weights)), np.nan)
        for aps, one in zip(found, self._classes.values(), strict=True):
            size = max(1, _MOST_AT_ONCE // max(1, one.true.size))
            for start in range(0, len(weights), size):
                part = slice(start, start + size)
                aps[part] = _class_ap(one, weights[part], self._recalls)
        return found


def _class_ap(one: _Class, weights: np.ndarray, recalls: np.ndarray) -> np.ndarray:
    """Give the AP of a class for each row of weights (R,); NaN without objects."""
    objects = weights @ one.objects
    of_each = weights[:, None, one.images]
    # (R, T, D)
    true = np.cumsum(one.true * of_each, axis=2)
    false = np.cumsum(one.false * of_each, axis=2)
    precision = true / (true + false + np.spacing(1))
    # The highest precision at this recall or a higher one; 0 beyond the last.
    precision = np.maximum.accumulate(precision[..., ::-1], axis=2)[..., ::-1]
    precision = np.pad(precision, ((0, 0), (0, 0), (0, 1)))
    at = _first_at_least(true, _needed(objects, recalls))
    aps = 100 * np.take_along_axis(precision, at, axis=2).mean(axis=(1, 2))
    return np.where(objects > 0, aps, np.nan)


def _needed(objects: np.ndarray, recalls: np.ndarray) -> np.ndarray:
    """Give the least number of objects that reaches each recall (R, 101)."""
    number = np.ceil(objects[:, None] * recalls - 1e-6).astype(int)
    return number + (number / np.maximum(objects, 1)[:, None] < recalls)


def _first_at_least(counts: np.ndarray, needed: np.ndarray) -> np.ndarray:
    """Search rising counts (R, T, D) for numbers (R, M): indices (R, T, M), or D."""
    rows, length = counts.shape[0] * counts.shape[1], counts.shape[2]
    # All rows are one sorted list if each begins above the former one's end.
    step = needed.max() + 1 + counts.max(initial=0)
    begin = np.arange(rows).reshape(*counts.shape[:2], 1)
    wanted = needed[:, None] + step * begin
    found = np.searchsorted((counts + step * begin).ravel(), wanted.ravel())
    return found.reshape(wanted.shape) - length * begin


def _evaluate(
    truth: COCO,
    predictions: str | Path,
    kind: str,
    img_ids: Sequence[int],
    cat_ids: Sequence[int],
) -> COCOeval:
    content = read_json(Path(predictions))
    if kind == 'segm':
        # Else areas would be those of the boxes.
        content = [{k: v for k, v in one.items() if k != 'bbox'} for one in content]
    # pycocotools cannot load an empty list.
    found = truth.loadRes(content) if content else COCO()
    evaluation = COCOeval(truth, found, kind)
    params: Any = evaluation.params
    params.imgIds, params.catIds = list(img_ids), list(cat_ids)
    params.maxDets = [MAX_DETECTIONS]
    params.areaRng, params.areaRngLbl = params.areaRng[:1], params.areaRngLbl[:1]
    evaluation.evaluate()
    return evaluation


def _read_class(images: Sequence[dict | None], thresholds: int) -> _Class:
    """Join what pycocotools has found of one class, image by image."""
    scores, index, matched, ignored = [], [], [], []
    objects = np.zeros(len(images), int)
    for number, image in enumerate(images):
        # None where there is neither object nor detection.
        if image is None:
            continue
        objects[number] = np.sum(np.asarray(image['gtIgnore']) == 0)
        scores.append(np.asarray(image['dtScores'], float))
        index.append(np.full(len(image['dtScores']), number))
        matched.append(np.asarray(image['dtMatches'], bool).reshape(thresholds, -1))
        ignored.append(np.asarray(image['dtIgnore'], bool).reshape(thresholds, -1))
    if not scores:
        none = np.zeros((thresholds, 0), bool)
        return _Class(np.zeros(0, int), none, none, objects)
    # Stable, as pycocotools sorts.
    order = np.argsort(-np.concatenate(scores), kind='mergesort')
    counts = ~np.concatenate(ignored, axis=1)[:, order]
    matches = np.concatenate(matched, axis=1)[:, order]
    return _Class(
        np.concatenate(index)[order], matches & counts, ~matches & counts, objects
    )
