"""Channels, strides and layouts of features, measured instead of read from configs."""

import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isqrt

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .feature import Feature
from .recorder import FeatureRecorder

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
    children = ', '.join(repr(name) for name, _ in model.named_children())
    raise ValueError(
        f'the {who} {type(model).__name__} has neither a neck nor a backbone; name the '
        f'modules to compare in model.{who}_features. It consists of {children}'
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
    run = run_trunk if in_trunk(names) else run_whole
    recorder = FeatureRecorder(model, names, who)
    channels = channels or image_channels(model)
    try:
        with _evaluating(model):
            for device, sizes in (('meta', META_SIZES), (None, REAL_SIZES)):
                try:
                    shapes = [
                        _shapes(model, recorder, run, channels, size, device)
                        for size in sizes
                    ]
                    break
                except Exception as error:  # what does not work there can raise any
                    failure = error
            else:
                raise ValueError(
                    f"the shapes of the {who}'s features could not be measured: "
                    f'{type(model).__name__} fails on an image of {channels}x'
                    f'{sizes[0]}x{sizes[0]}: {type(failure).__name__}: {failure}'
                ) from failure
    finally:
        recorder.remove()
    found = []
    for name, *both in zip(recorder.names, *shapes, strict=True):
        for index, (small, large) in enumerate(zip(*both, strict=True)):
            found.append(_feature(name, index, small, large, sizes))
    return found


def image_channels(model: nn.Module) -> int:
    """Return how many channels the images of a model have."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            return module.in_channels
    return 3


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode, and each module back as it was."""
    modes = {module: module.training for module in model.modules()}
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    for module in modes:
        module.training = False
    try:
        yield
    finally:
        logging.disable(level)
        for module, training in modes.items():
            module.training = training


class _Run(nn.Module):
    """A function of a model as the forward of a module, for functional_call."""

    def __init__(self, model: nn.Module, run: Callable) -> None:
        super().__init__()
        self.model = model
        self.run = run

    def forward(self, images: Tensor) -> object:
        return self.run(self.model, images)


def _shapes(
    model: nn.Module,
    recorder: FeatureRecorder,
    run: Callable,
    channels: int,
    size: int,
    device: str | None,
) -> list[list[torch.Size]]:
    """Shapes of the tensors that each module returns for one image."""
    weights = {
        f'model.{name}': value if device is None else value.to(device)
        for name, value in itertools.chain(
            model.named_parameters(), model.named_buffers()
        )
    }
    where = next(iter(weights.values())).device if weights else torch.device('cpu')
    images = torch.zeros(1, channels, size, size, device=where)
    with recorder:
        functional_call(_Run(model, run), weights, (images,))
    return [[x.shape for x in recorder.tensors(name)] for name in recorder.names]


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
