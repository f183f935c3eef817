"""Fitting a config to another size of the images."""

from typing import Any

from mmengine.config import Config, ConfigDict

from .errors import JobError
from .fit_data import transforms

# Fields of transforms and of batch augmentations that are lengths in pixels.
_LENGTHS = ('img_scale', 'crop_size', 'size', 'border', 'random_size_range')
_STRIDE = 32


def set_image_size(cfg: Config, side: int) -> None:
    """Scale images to another longest side.

    Transforms that scale images to a size get the side; those that draw a size, cut,
    pad or join images keep the proportion that theirs has to the evaluation's.

    Args:
        cfg (Config): Config of a training, which is changed.
        side (int): Longest side, in pixels.

    Raises:
        JobError: If the config scales no image, or its images have a fixed size that
            has to be a multiple of 32.
    """
    reference = evaluation_size(cfg)
    found = list(transforms(cfg))
    fixed = [t for t in found if any(_is_size(t, key) for key in ('size', 'img_scale'))]
    if fixed and side % _STRIDE:
        raise JobError(
            f'--image-size {side}: the {fixed[0].type} of this config needs a multiple '
            f'of {_STRIDE}, such as {max(1, round(side / _STRIDE)) * _STRIDE}'
        )
    factor = side / max(reference)
    for transform in found:
        for key in ('scale', 'scales'):
            if transform.get(key):
                transform[key] = _scales(transform[key], side, reference)
        _scale_lengths(transform, factor)
    preprocessor = cfg.model.get('data_preprocessor') or {}
    for augment in preprocessor.get('batch_augments') or []:
        _scale_lengths(augment, factor)


def evaluation_size(cfg: Config) -> tuple[int, int]:
    """Give width and height, in pixels, to which the evaluation scales images.

    Raises:
        JobError: If it scales none.
    """
    dataset = cfg.val_dataloader.dataset
    while 'dataset' in dataset:
        dataset = dataset.dataset
    for transform in dataset.pipeline:
        scale = transform.get('scale')
        if 'Resize' in str(transform.get('type')) and scale:
            return (scale, scale) if isinstance(scale, int) else tuple(scale)
    raise JobError(
        '--image-size: the pipeline of val_dataloader has no Resize with a scale; '
        'set the sizes by --cfg-options'
    )


def _scales(scale: Any, side: int, reference: tuple[int, int]) -> Any:
    """Scale one size, or each of several.

    Sizes such as (1333, 800) bound the short side too, so that most images are smaller
    than the longest side says; their short side stands for the size of the image.
    """
    if isinstance(scale, int):
        return _one((scale, scale), side, reference)[0]
    if all(isinstance(number, int | float) for number in scale):
        return _one(scale, side, reference)
    return [_scales(one, side, reference) for one in scale]


def _one(scale: Any, side: int, reference: tuple[int, int]) -> tuple[int, int]:
    ratio = min(scale) / min(reference)
    return (round(side * ratio), round(side * ratio))


def _is_size(transform: ConfigDict, key: str) -> bool:
    value = transform.get(key)
    return isinstance(value, list | tuple) and len(value) == 2


def _scale_lengths(transform: ConfigDict, factor: float) -> None:
    for key in _LENGTHS:
        if _is_size(transform, key) and transform.get('crop_type') not in (
            'relative',
            'relative_range',
        ):
            transform[key] = tuple(round(factor * length) for length in transform[key])
