"""A teacher's confident predictions as annotations."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from mmreviewkd.config_file import config_by_name
from mmreviewkd.errors import UsageError
from mmreviewkd.files import write_json
from mmreviewkd.names import counted, printable
from mmreviewkd.num_classes import num_classes
from mmreviewkd.teachers.weights import read_weights
from mmreviewkd.type_names import type_name

from .add_unlabeled import unlabeled_pipeline
from .unlabeled import UnlabeledImages, list_images


class Counts(NamedTuple):
    """What a teacher has found.

    Args:
        images (int): Images in the folder.
        labeled (int): Those with at least one confident prediction.
        instances (dict[str, int]): Confident predictions of each class.
    """

    images: int
    labeled: int
    instances: dict[str, int]

    def __str__(self) -> str:
        rows = [f'  {printable(name)}: {n}' for name, n in self.instances.items()]
        total = counted(sum(self.instances.values()), 'pseudo label')
        without = self.images - self.labeled
        return '\n'.join(
            [
                f'{total} on {self.labeled} of {counted(self.images, "image")}:',
                *rows,
                f'without any, left unlabelled: {counted(without, "image")}',
            ]
        )


def write_pseudo_labels(
    config: str | Path | Config,
    checkpoint: str | Path,
    folder: str | Path,
    out: str | Path,
    score_thr: float | Mapping[str, float] = 0.7,
    classes: Sequence[str] | None = None,
    batch_size: int = 8,
) -> Counts:
    """Let a teacher annotate a folder of images.

    Its predictions, after the NMS of its ``test_cfg``, are written as a COCO annotation
    file, with scores, and with masks where it has them. Its ``info`` is that of
    :func:`made_from`. Images without a confident
    prediction are not in the file: nothing says that they show no objects.

    Args:
        config (str | Path | Config): Config of the teacher, any detector of
            MMDetection's, with its test pipeline.
        checkpoint (str | Path): Its weights.
        folder (str | Path): The folder of images, see :class:`UnlabeledImages`.
        out (str | Path): The annotation file to write.
        score_thr (float | Mapping[str, float]): Lowest score of a confident prediction,
            or one for each class. Defaults to 0.7.
        classes (Sequence[str], optional): Classes of the labelled data set, in order.
            Defaults to None: those of the checkpoint. A teacher whose checkpoint names
            no classes is taken to have these, if it has as many.
        batch_size (int): Images at a time. Defaults to 8.

    Returns:
        Counts: What has been found.

    Raises:
        UsageError: If the teacher has other classes or none are named, a threshold is
            for none of them or no share, or nothing is found.
    """
    # Building a detector loads MMDetection.
    from mmreviewkd.inference import load_detector

    cfg = config if isinstance(config, Config) else config_by_name(config)
    names = list_images(folder)
    known = _teachers_classes(cfg, str(checkpoint), classes)
    model = load_detector(cfg, str(checkpoint))
    thresholds = _thresholds(known, score_thr)
    dataset = UnlabeledImages(str(folder), _test_pipeline(cfg))
    images: list[dict] = []
    annotations: list[dict] = []
    for name, sample in zip(names, _predict(model, dataset, batch_size), strict=True):
        found = list(_confident(sample.pred_instances, thresholds))
        if not found:
            continue
        height, width = sample.ori_shape
        number = len(images) + 1
        images.append(dict(id=number, file_name=name, height=height, width=width))
        for one in found:
            one.update(id=len(annotations) + 1, image_id=number)
            annotations.append(one)
    if not annotations:
        raise UsageError(
            f'{checkpoint}: no prediction on the {counted(len(names), "image")} of '
            f'{folder} reaches its threshold; lower it (--score-thr), or train a '
            'better teacher'
        )
    categories = [dict(id=n + 1, name=name) for n, name in enumerate(known)]
    content = dict(
        info=made_from(folder, score_thr),
        images=images,
        annotations=annotations,
        categories=categories,
    )
    write_json(Path(out), content)
    number_of = Counter(one['category_id'] for one in annotations)
    instances = {name: number_of[n + 1] for n, name in enumerate(known)}
    return Counts(len(names), len(images), instances)


def made_from(
    folder: str | Path, score_thr: float | Mapping[str, float]
) -> dict[str, Any]:
    """What a file of pseudo labels says that it is made from, in its ``info``."""
    if isinstance(score_thr, Mapping):
        score_thr = dict(score_thr)
    return dict(folder=str(Path(folder).resolve()), score_thr=score_thr)


def classes_of(ann_file: str | Path) -> tuple[str, ...]:
    """Read the names of the classes, in order, from a COCO annotation file."""
    coco = json.loads(Path(ann_file).read_text(encoding='utf-8'))
    return tuple(category['name'] for category in coco['categories'])


def _test_pipeline(cfg: Config) -> list[dict]:
    dataset = cfg.test_dataloader.dataset
    while 'dataset' in dataset:
        dataset = dataset.dataset
    return [
        transform
        for transform in unlabeled_pipeline(dataset.pipeline)
        if type_name(transform) != 'LoadEmptyAnnotations'
    ]


def _predict(model: Any, dataset: UnlabeledImages, batch_size: int) -> Iterator[Any]:
    import torch

    for first in range(0, len(dataset), batch_size):
        last = min(first + batch_size, len(dataset))
        batch = pseudo_collate([dataset[n] for n in range(first, last)])
        with torch.no_grad():
            yield from model.test_step(batch)


def _confident(predictions: Any, thresholds: np.ndarray) -> Iterator[dict]:
    """Annotations of the predictions that reach the threshold of their class."""
    predictions = predictions.cpu().numpy()
    for number, (box, label, score) in enumerate(
        zip(predictions.bboxes, predictions.labels, predictions.scores, strict=True)
    ):
        left, top, right, bottom = map(float, box)
        width, height = right - left, bottom - top
        if score < thresholds[label] or min(width, height) < 1:
            continue
        annotation = dict(
            category_id=int(label) + 1,
            bbox=[left, top, width, height],
            area=width * height,
            iscrowd=0,
            score=float(score),
        )
        if 'masks' in predictions:
            mask = predictions.masks[number]
            if not mask.any():
                continue
            annotation.update(segmentation=_encode(mask), area=int(mask.sum()))
        yield annotation


def _encode(mask: np.ndarray) -> dict:
    from pycocotools import mask as coco_mask

    encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return dict(size=encoded['size'], counts=encoded['counts'].decode())


def _thresholds(
    classes: Sequence[str], score_thr: float | Mapping[str, float]
) -> np.ndarray:
    """One threshold for each class."""
    if not isinstance(score_thr, Mapping):
        score_thr = dict.fromkeys(classes, score_thr)
    _check_names(classes, score_thr)
    for name, value in score_thr.items():
        if not 0 < value < 1:
            raise UsageError(
                f'the threshold of {printable(name)} is {value}, but scores lie '
                'between 0 and 1'
            )
    return np.array([score_thr[name] for name in classes])


def _check_names(classes: Sequence[str], named: Iterable[str]) -> None:
    wrong, missing = set(named) - set(classes), set(classes) - set(named)
    if wrong or missing:
        what = (
            f'thresholds are given for {_listed(sorted(wrong))}, no class'
            if wrong
            else f'no threshold is given for {_listed(sorted(missing))}, a class'
        )
        raise UsageError(f'{what} of the teacher, whose classes are {_listed(classes)}')


def _teachers_classes(
    cfg: Config, checkpoint: str, wanted: Sequence[str] | None
) -> tuple[str, ...]:
    """Read them from the checkpoint: MMDetection takes COCO's where it has none."""
    known = read_weights(checkpoint).classes
    if known is None:
        return _unnamed_classes(cfg, checkpoint, wanted)
    if wanted is not None and tuple(wanted) != known:
        raise UsageError(
            f'{checkpoint} tells the classes {_listed(known)}, the labelled data has '
            f'{_listed(wanted)}; pseudo labels need a teacher that was trained on the '
            'classes of the data, in their order. Leave them out: maps have no classes'
        )
    return known


def _unnamed_classes(
    cfg: Config, checkpoint: str, wanted: Sequence[str] | None
) -> tuple[str, ...]:
    if wanted is None:
        raise UsageError(
            f'{checkpoint} does not name its classes; name them by an annotation file '
            'of the labelled images: --classes-of FILE'
        )
    number = num_classes(cfg.model)
    if number is not None and number != len(wanted):
        raise UsageError(
            f'{checkpoint} does not name its classes, and the config has '
            f'{counted(number, "class", "classes")}, but the labelled data '
            f'{len(wanted)}: {_listed(wanted)}'
        )
    return tuple(wanted)


def _listed(names: Sequence[str], most: int = 20) -> str:
    rest = f', ... ({len(names)} in all)' if len(names) > most else ''
    return ', '.join(map(printable, names[:most])) + rest
