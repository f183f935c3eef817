"""Channels, strides and layouts of features, measured instead of read from configs."""

import copy
import itertools
import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from .feature import Feature
from .recorder import FeatureRecorder, find_module

TRUNK = ('backbone', 'neck')
"""The modules of a model that turn images into features, in their order."""
META_SIZES = (512, 1024)
REAL_SIZES = (256, 512)


def default_features(model: nn.Module, who: str) -> tuple[str, ...]:
    """Name the modules whose features are compared unless a config says others.

    Args:
        model (nn.Module): A model.
        who (str): ``'student'`` or ``'teacher'``, for errors.

    Returns:
        tuple[str]: The neck where there is one, else the backbone.

    Raises:
        ValueError: If it has neither.
    """
    own = getattr(model, 'default_features', None)
    if own:
        return tuple(own)
    for name in reversed(TRUNK):
        if isinstance(getattr(model, name, None), nn.Module):
            return (name,)
    children = dict(model.named_children())
    wrapped = [repr(n) for n, child in children.items() if hasattr(child, 'backbone')]
    advice = f'name the modules to compare in model.{who}_features'
    if wrapped:
        advice += f', or let the {who} be the model in it: {" or ".join(wrapped)}'
    raise ValueError(
        f'the {who} {type(model).__name__} has neither a neck nor a backbone; '
        f'{advice}. It consists of {", ".join(map(repr, children))}'
    )


def in_trunk(names: Sequence[str]) -> bool:
    """Say whether all modules are parts of backbone or neck."""
    return all(name.split('.')[0] in TRUNK for name in names)


def run_trunk(model: Any, images: Tensor) -> object:
    """Run a model's backbone, and its neck if it has one."""
    feats = model.backbone(images)
    neck = getattr(model, 'neck', None)
    return feats if neck is None else neck(feats)


def run_whole(
    model: nn.Module, images: Tensor, data_samples: Sequence[Any] | None = None
) -> object:
    """Run a model, heads included, without losses or post-processing."""
    if not isinstance(model, BaseModel):
        return model(images)
    return model(images, data_samples, mode='tensor')


def _samples(images: Tensor) -> list[BaseDataElement]:
    """What heads may ask about images that are neither resized nor padded."""
    shape = tuple(images.shape[2:])
    names = ('ori_shape', 'img_shape', 'pad_shape', 'batch_input_shape')
    metainfo = dict.fromkeys(names, shape) | dict(scale_factor=(1.0, 1.0))
    return [BaseDataElement(metainfo=metainfo) for _ in images]


@torch.no_grad()
def measure(
    model: nn.Module, names: Sequence[str], who: str, channels: int | None = None
) -> list[Feature]:
    """Find the features that modules of a model return.

    The model runs on images of two sizes on PyTorch's meta device, which computes
    shapes only; where a module does not work there, on two small real images.

    Args:
        model (nn.Module): The model.
        names (Sequence[str]): The modules, see :class:`FeatureRecorder`.
        who (str): ``'student'`` or ``'teacher'``, for errors.
        channels (int, optional): Channels of its images. Defaults to None: those of
            its first convolution.

    Returns:
        list[Feature]: The features of all modules, in the modules' order.

    Raises:
        ValueError: If the model does not run by itself.
    """
    for name in names:
        find_module(model, name, who)
    channels = channels or image_channels(model)
    try:
        sizes, empty = META_SIZES, _on_meta(model)
        shapes = [_shapes(empty, names, who, channels, n) for n in sizes]
    except Exception:  # what does not work there can raise any
        sizes = REAL_SIZES
        try:
            with _evaluating(model):
                shapes = [_shapes(model, names, who, channels, n) for n in sizes]
        except Exception as error:
            raise ValueError(
                f"the shapes of the {who}'s features could not be measured: "
                f'{type(model).__name__} fails on an image of {channels}x{sizes[0]}x'
                f'{sizes[0]}: {type(error).__name__}: {error}'
            ) from error
    found = []
    for name, *both in zip(dict.fromkeys(names), *shapes, strict=True):
        for index, (small, large) in enumerate(zip(*both, strict=True)):
            found.append(_feature(name, index, small, large, sizes))
    return found


def image_channels(model: nn.Module) -> int:
    """Return how many channels the images of a model have."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            # YOLOX's first convolution sees four neighbouring pixels at once.
            return 3 if module.in_channels == 12 else module.in_channels
    return 3


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back what modules log, up to warnings."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(level)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode, and each module back as it was."""
    modes = {module: module.training for module in model.modules()}
    for module in modes:
        module.training = False
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def _on_meta(model: nn.Module) -> nn.Module:
    """Copy a model without its data."""
    memo = {
        id(value): nn.Parameter(value.to('meta'), value.requires_grad)
        if isinstance(value, nn.Parameter)
        else value.to('meta')
        for value in itertools.chain(model.parameters(), model.buffers())
    }
    return copy.deepcopy(model, memo).eval()


def _shapes(
    model: nn.Module, names: Sequence[str], who: str, channels: int, size: int
) -> list[list[torch.Size]]:
    """Shapes of the tensors that each module returns for one image."""
    first = next(model.parameters(), torch.zeros(0))
    images = first.new_zeros(1, channels, size, size)
    recorder = FeatureRecorder(model, names, who)
    try:
        with recorder, quiet():
            if in_trunk(names):
                run_trunk(model, images)
            else:
                run_whole(model, images, _samples(images))
        return [[x.shape for x in recorder.tensors(name)] for name in recorder.names]
    finally:
        recorder.remove()


def _feature(
    name: str,
    index: int,
    small: torch.Size,
    large: torch.Size,
    sizes: tuple[int, int],
) -> Feature:
    """Tell positions from channels: the former are more in a larger image."""
    grown = [axis for axis in range(len(small)) if small[axis] != large[axis]]
    first, last = sizes
    if grown == [1] and len(small) == 3:
        stride = round(math.sqrt((last**2 - first**2) / (large[1] - small[1])))
        # A border narrower than a patch may be cut off, or be padded.
        for rounded in (math.floor, math.ceil):
            prefixes = {
                shape[1] - rounded(size / stride) ** 2
                for shape, size in ((small, first), (large, last))
            }
            if len(prefixes) == 1 and min(prefixes) >= 0:
                return Feature(name, index, small[2], stride, 'NLC', *prefixes)
    elif grown in ([1, 2], [2, 3]) and len(small) == 4:
        axis = grown[0]
        # The difference, since a border may be cut off.
        stride = round((last - first) / (large[axis] - small[axis]))
        if axis == 1:
            return Feature(name, index, small[3], stride, 'NHWC')
        return Feature(name, index, small[1], stride)
    elif not grown and len(small) == 4 and small[2:] == (1, 1):
        return Feature(name, index, small[1])
    elif not grown and len(small) > 1:
        layout = 'NC' if len(small) == 2 else '...C'
        return Feature(name, index, small[-1], layout=layout)
    return Feature(name, index, small[-1] if small else 1, layout='?')
