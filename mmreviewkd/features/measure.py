"""Channels, strides and layouts of features, measured instead of read from configs."""

import copy
import itertools
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isqrt

import torch
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


def run_trunk(model: nn.Module, images: Tensor) -> object:
    """Run a model's backbone, and its neck if it has one."""
    feats = model.backbone(images)
    neck = getattr(model, 'neck', None)
    return feats if neck is None else neck(feats)


def run_whole(model: nn.Module, images: Tensor) -> object:
    """Run a model, heads included, without losses or post-processing."""
    try:
        return model(images, mode='tensor')
    except TypeError:
        return model(images)


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
    run = run_trunk if in_trunk(names) else run_whole
    recorder = FeatureRecorder(model, names, who)
    try:
        with recorder, quiet():
            run(model, images)
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
        stride = isqrt((last**2 - first**2) // (large[1] - small[1]))
        prefix = small[1] - (first // stride) ** 2
        return Feature(name, index, small[2], stride, 'NLC', prefix)
    if len(grown) == 2 and len(small) == 4:
        axis = grown[0]
        # The difference, since a border may be cut off.
        stride = round((last - first) / (large[axis] - small[axis]))
        if axis == 1:
            return Feature(name, index, small[3], stride, 'NHWC')
        return Feature(name, index, small[1], stride)
    if len(small) == 4 and small[2:] == (1, 1):
        return Feature(name, index, small[1])
    if len(small) == 2:
        return Feature(name, index, small[1], layout='NC')
    return Feature(name, index, small[-1], layout='...C')
