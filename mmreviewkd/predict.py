"""Predictions on images: pictures, and a results file in COCO's format."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import mmcv
import numpy as np
from mmdet.apis import inference_detector
from mmengine.config import Config
from mmengine.structures import InstanceData
from pycocotools import mask as coco_mask

from .errors import UsageError
from .files import read_json, write_bytes, write_text
from .image_files import IMAGE_SUFFIXES, images_in
from .inference import load_detector
from .names import counted, listing, printable
from .plot_instances import class_label, draw_objects, predicted


def find_images(places: Sequence[str | Path]) -> list[Path]:
    """List image files.

    Args:
        places (Sequence[str | Path]): Image files, and folders that are searched with
            all folders in them.

    Raises:
        FileNotFoundError: If a place is missing.
        UsageError: If a folder holds no image.
    """
    found = []
    for place in map(Path, places):
        if place.is_dir():
            inner = images_in(place)
            if not inner:
                raise UsageError(
                    f'the folder {place} holds no image ({", ".join(IMAGE_SUFFIXES)})'
                )
            found += inner
        elif place.is_file():
            found.append(place)
        else:
            raise FileNotFoundError(f'there is no image {str(place)!r}')
    return found


def predict(
    cfg: Config,
    checkpoint: str,
    images: Sequence[Path],
    out_dir: Path,
    score_thr: float = 0.3,
    ann_file: Path | None = None,
    say: Callable[[str], Any] = print,
) -> Path:
    """Predict on images, draw what is found, and write it down.

    ``predictions.json`` has all detections in COCO's results format: boxes as x, y,
    width and height in pixels, masks as RLE. ``images.json`` says which image and
    class each number in there stands for. The pictures go to ``pictures/``.

    Args:
        cfg (Config): Config of a detector, distilled or plain.
        checkpoint (str): Its weights.
        images (Sequence[Path]): The images, see :func:`find_images`.
        out_dir (Path): Folder to write to; made where missing.
        score_thr (float): Draw detections with a score above. Defaults to 0.3.
        ann_file (Path, optional): A COCO annotation file whose numbers of images, found
            by file name, and of classes are used. Defaults to None: both are counted
            from 1.
        say (Callable): Is told how it goes. Defaults to :func:`print`.

    Returns:
        Path: The results file.

    Raises:
        UsageError: If the model predicts no instances, an image is not in
            ``ann_file``, or images cannot be read; then the others are done.
    """
    model = load_detector(cfg, checkpoint)
    classes = list(model.dataset_meta['classes'])
    numbers = _Numbers(images, classes, ann_file)
    labels = [class_label(name) for name in classes]
    say(f'predicting on {counted(len(images), "image")}')
    results: list[dict] = []
    broken = []
    for count, path in enumerate(images, 1):
        image = _read(path)
        if image is None:
            say(f'{path} cannot be read as an image; it is passed over')
            broken.append(str(path))
            continue
        sample = inference_detector(model, str(path))
        if 'pred_instances' not in sample:
            raise UsageError(
                f'{type(model).__name__} predicts no instances, but something else '
                'that this tool does not write'
            )
        results += _as_coco(
            sample.pred_instances.cpu(), numbers.images[path], numbers.classes
        )
        picture = draw_objects(image, predicted(sample, score_thr), labels, side=None)
        name = f'{numbers.images[path]}_{path.stem}.jpg'
        write_bytes(out_dir / 'pictures' / name, _jpeg(picture))
        if count % 50 == 0:
            say(f'{count} of {len(images)} done')
    path = out_dir / 'predictions.json'
    write_text(path, json.dumps(results))
    write_text(out_dir / 'images.json', json.dumps(numbers.written(), indent=2))
    if broken:
        raise UsageError(
            f'{len(broken)} of {counted(len(images), "image")} cannot be read; the '
            f'others are done, see {path}' + listing('broken', broken)
        )
    return path


def _image_of(path: Path, images: Sequence[dict], ann_file: Path) -> dict:
    """Choose the image of a path among those of the same name in several folders."""
    if len(images) == 1:
        return images[0]
    place = path.resolve().as_posix()
    fits = [one for one in images if place.endswith(f'/{one["file_name"]}')]
    if len(fits) != 1:
        raise UsageError(
            f'{ann_file} has {len(images)} images {printable(path.name)}, and their '
            f'folders do not tell which of them is {printable(str(path))}'
        )
    return fits[0]


class _Numbers:
    """Which number stands for which image and class."""

    def __init__(
        self, images: Sequence[Path], classes: Sequence[str], ann_file: Path | None
    ) -> None:
        self._names = classes
        self.images = {path: number for number, path in enumerate(images, 1)}
        self.classes = list(range(1, len(classes) + 1))
        if ann_file is not None:
            self._take(read_json(ann_file), ann_file)

    def _take(self, coco: dict, ann_file: Path) -> None:
        by_name: dict[str, list[dict]] = {}
        for image in coco['images']:
            by_name.setdefault(Path(image['file_name']).name, []).append(image)
        missing = [str(path) for path in self.images if path.name not in by_name]
        if missing:
            raise UsageError(
                f'{ann_file} does not have all images' + listing('missing', missing)
            )
        self.images = {
            path: _image_of(path, by_name[path.name], ann_file)['id']
            for path in self.images
        }
        ids = {one['name']: one['id'] for one in coco['categories']}
        unknown = [printable(name) for name in self._names if name not in ids]
        if unknown:
            raise UsageError(
                f'{ann_file} does not have all classes of the checkpoint'
                + listing('missing', unknown)
            )
        self.classes = [ids[name] for name in self._names]

    def written(self) -> dict[str, list[dict]]:
        return dict(
            images=[
                dict(id=number, file_name=str(path))
                for path, number in self.images.items()
            ],
            categories=[
                dict(id=number, name=name)
                for number, name in zip(self.classes, self._names, strict=True)
            ],
        )


def _read(path: Path) -> np.ndarray | None:
    try:
        return mmcv.imread(path, channel_order='rgb')
    except Exception:  # decoders fail in many ways; the caller says so
        return None


def _as_coco(
    found: InstanceData, image: int, classes: Sequence[int]
) -> Iterator[dict[str, Any]]:
    masks = found.get('masks')
    for index, (box, label, score) in enumerate(
        zip(
            found.bboxes.tolist(),
            found.labels.tolist(),
            found.scores.tolist(),
            strict=True,
        )
    ):
        x1, y1, x2, y2 = box
        result = dict(
            image_id=image,
            category_id=classes[label],
            bbox=[round(value, 2) for value in (x1, y1, x2 - x1, y2 - y1)],
            score=round(score, 5),
        )
        if masks is not None:
            rle = coco_mask.encode(np.asfortranarray(masks[index], dtype=np.uint8))
            result['segmentation'] = dict(
                size=rle['size'], counts=rle['counts'].decode()
            )
        yield result


def _jpeg(picture: np.ndarray) -> bytes:
    return cv2.imencode('.jpg', picture[..., ::-1])[1].tobytes()
