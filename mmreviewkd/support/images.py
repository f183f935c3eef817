"""Made images with all the annotations that a detector of MMDetection may ask for."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

BOXES = ((0.05, 0.08, 0.3, 0.4), (0.37, 0.24, 0.94, 0.9), (0.12, 0.55, 0.31, 0.8))
"""Boxes of an image's three objects, in parts of its width and height."""
MASKED = ('mask_head', 'panoptic_head', 'RTMDetIns')


def make_images(cfg: dict, size: tuple[int, int], number: int = 2) -> dict:
    """Make images as a data loader hands them out: dark rectangles on noise.

    Args:
        cfg (dict): The model's config, which tells classes and kinds of annotations.
        size (tuple[int, int]): Height and width.
        number (int): How many. Defaults to 2.

    Returns:
        dict: ``inputs``, uint8 images (3, H, W), and ``data_samples`` with boxes,
        labels, semantic maps and, where the model has masks, masks.
    """
    made = [_image(cfg, size, seed) for seed in range(number)]
    return dict(inputs=[one for one, _ in made], data_samples=[two for _, two in made])


def _image(
    cfg: dict, size: tuple[int, int], seed: int
) -> tuple[torch.Tensor, DetDataSample]:
    rng = np.random.default_rng(seed)
    height, width = size
    boxes = torch.tensor(BOXES) * torch.tensor([width, height, width, height])
    boxes = (boxes + torch.tensor(rng.uniform(-3, 3, (3, 4)))).float()
    masks = np.zeros((3, height, width), np.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.int().tolist(), strict=True):
        mask[y1:y2, x1:x2] = 1
    image = rng.normal(130, 30, (3, height, width)).clip(0, 255)
    image[:, masks.any(0)] /= 2
    known = min([8, *(n for n in _numbers(cfg, 'num_classes') if n > 0)])
    objects = InstanceData(bboxes=boxes, labels=torch.tensor(rng.integers(0, known, 3)))
    if any(name in str(cfg) for name in MASKED):
        objects.masks = BitmapMasks(masks, height, width)
    sample = DetDataSample(gt_instances=objects, ignored_instances=objects[:0])
    sample.set_metainfo(
        dict(
            img_id=seed,
            img_path=f'{seed}.jpg',
            img_shape=size,
            ori_shape=size,
            scale_factor=(1.0, 1.0),
            flip=False,
            flip_direction=None,
            border=np.array([0, height, 0, width]),  # CornerNet
            text=' . '.join(f'thing{label}' for label in range(80)),
            custom_entities=True,
        )
    )
    # Other detectors of two stages would take them in place of their own.
    if cfg.get('type') == 'FastRCNN':
        sample.proposals = _proposals(boxes, size)
    sample.gt_sem_seg = PixelData(sem_seg=_stuff(cfg, size))
    return torch.from_numpy(image.astype(np.uint8)), sample


def _proposals(boxes: torch.Tensor, size: tuple[int, int]) -> InstanceData:
    """Moved boxes, for Fast R-CNN."""
    moves = torch.linspace(-12, 12, 20)[:, None, None]
    moved = (boxes + moves).flatten(0, 1)
    return InstanceData(
        bboxes=moved.clamp(0, min(size)), scores=torch.linspace(1, 0, len(moved))
    )


def _stuff(cfg: dict, size: tuple[int, int]) -> torch.Tensor:
    """A semantic map (1, H, W) in stripes; HTC's is eight times as small."""
    things = next(_numbers(cfg, 'num_things_classes'), None)
    first = 0 if things is None else things + 1
    stripes = first + torch.arange(size[1]) // 32
    stride = 8 if (cfg.get('roi_head') or {}).get('semantic_head') else 1
    return stripes.expand(1, *size)[:, ::stride, ::stride].contiguous()


def _numbers(part: Any, key: str) -> Iterator[int]:
    """Yield the numbers under a key, anywhere in a config."""
    if isinstance(part, dict):
        if isinstance(part.get(key), int):
            yield part[key]
        part = list(part.values())
    if isinstance(part, list | tuple):
        for one in part:
            yield from _numbers(one, key)
