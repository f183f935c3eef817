"""Networks of torchvision, for images of its own size and for those of 32x32 pixels."""

import itertools
from collections.abc import Sequence
from typing import Any

from mmengine.registry import MODELS
from torch import nn

from .stages import Stages


@MODELS.register_module()
class TorchvisionResNet(Stages):
    """A ResNet of torchvision.

    Args:
        model (str): Its name: ``'resnet18'``, ``'resnet34'``, ``'resnet50'``, ...
        small_images (bool): Whether it is for images of about 32x32 pixels: its first
            convolution has 3x3 pixels and a stride of 1, and no pooling follows.
            Defaults to False.
        pre_activation (bool): See :class:`Stages`. Defaults to False.
    """

    def __init__(
        self, model: str, small_images: bool = False, pre_activation: bool = False
    ) -> None:
        parts = _trunk(model)
        if small_images:
            stem = nn.Conv2d(3, 64, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(stem.weight, mode='fan_out')
            parts['conv1'] = stem
            del parts['maxpool']
        stages = [name for name in parts if name.startswith('layer')]
        super().__init__(parts, stages, pre_activation)


@MODELS.register_module()
class TorchvisionShuffleNetV2(Stages):
    """A ShuffleNetV2 of torchvision.

    Args:
        model (str): Its name. Defaults to ``'shufflenet_v2_x1_0'``.
        small_images (bool): Whether it is for images of about 32x32 pixels: its first
            convolution has 1x1 pixel and a stride of 1, and no pooling follows.
            Defaults to False.
    """

    def __init__(
        self, model: str = 'shufflenet_v2_x1_0', small_images: bool = False
    ) -> None:
        parts = _trunk(model)
        if small_images:
            parts['conv1'] = nn.Sequential(
                nn.Conv2d(3, 24, 1, bias=False), nn.BatchNorm2d(24), nn.ReLU()
            )
            del parts['maxpool']
        super().__init__(parts, ('stage2', 'stage3', 'stage4'))


@MODELS.register_module()
class CIFARMobileNetV2(Stages):
    """torchvision's MobileNetV2 with less strides, for images of 32x32 pixels.

    Stem and second stage keep the size; the maps have 16, 8, 4 and 2 positions to a
    side.

    Args:
        width (float): Factor on the channels of all layers but the last. Defaults to
            0.5, as in the distillation papers.
    """

    def __init__(self, width: float = 0.5) -> None:
        from torchvision.models import MobileNetV2

        # Expansion, channels, blocks, stride.
        settings = [
            *([1, 16, 1, 1], [6, 24, 2, 1], [6, 32, 3, 2], [6, 64, 4, 2]),
            *([6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]),
        ]
        features = MobileNetV2(1, width, settings, round_nearest=1).features
        starts = [0, *_starts(features), len(features) - 1]
        parts = {
            f'stage{number}': features[start:end]
            for number, (start, end) in enumerate(itertools.pairwise(starts), start=1)
        }
        super().__init__(dict(parts, last=features[-1]), list(parts))


@MODELS.register_module()
class CIFARVGG(Stages):
    """torchvision's VGG with batch normalisation, for images of 32x32 pixels.

    Five blocks of one width each, with maps of 32, 16, 8, 4 and 4 positions to a side:
    nothing is pooled before the last. The first block's map is not returned.

    Args:
        convs (int): Convolutions of a block: 1 for VGG-8, 2 for VGG-13.
        pre_activation (bool): See :class:`Stages`. Defaults to False.
    """

    def __init__(self, convs: int, pre_activation: bool = False) -> None:
        from torchvision.models.vgg import make_layers

        pool = ['M']
        blocks: list[list[Any]] = [
            [64] * convs,
            pool + [128] * convs,
            pool + [256] * convs,
            pool + [512] * convs,
            [512] * convs,
        ]
        layers = make_layers([item for block in blocks for item in block], True)
        # A convolution comes with batch norm and ReLU.
        ends = itertools.accumulate(
            sum(1 if item == 'M' else 3 for item in block) for block in blocks
        )
        parts = {
            f'block{number}': layers[start:end]
            for number, (start, end) in enumerate(itertools.pairwise([0, *ends]))
        }
        for module in layers:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out')
        super().__init__(parts, list(parts)[1:], pre_activation)


def _trunk(model: str) -> dict[str, nn.Module]:
    """Build a classifier and name the parts before its pooling."""
    from torchvision import models

    parts = dict(models.get_model(model, weights=None).named_children())
    return {name: part for name, part in parts.items() if name not in ('avgpool', 'fc')}


def _starts(features: Sequence[nn.Module]) -> list[int]:
    """Number the blocks that halve the size, but for the stem."""
    return [
        number
        for number, block in enumerate(features)
        if number
        and any(
            isinstance(module, nn.Conv2d) and module.stride[0] == 2
            for module in block.modules()
        )
    ]
