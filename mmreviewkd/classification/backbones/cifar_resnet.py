"""ResNets for images of 32x32 pixels, of any width."""

from collections.abc import Sequence

from mmengine.registry import MODELS
from torch import nn

from .stages import Stages


@MODELS.register_module()
class CIFARResNet(Stages):
    """A ResNet of three stages of torchvision's basic blocks.

    "Deep Residual Learning for Image Recognition", section 4.2
    (https://arxiv.org/abs/1512.03385), in other widths than torchdistill's: the
    "resnet32x4" of the distillation papers is four times as wide.

    Args:
        depth (int): Number of layers, 6n + 2.
        channels (Sequence[int]): Channels of the stem and of the three stages.
            Defaults to (32, 64, 128, 256).
        pre_activation (bool): See :class:`Stages`. Defaults to False.

    Raises:
        ValueError: If there is no ResNet of this depth.
    """

    def __init__(
        self,
        depth: int,
        channels: Sequence[int] = (32, 64, 128, 256),
        pre_activation: bool = False,
    ) -> None:
        if depth < 8 or (depth - 2) % 6:
            raise ValueError(
                f'CIFARResNet.depth is {depth}, but has to be 6n + 2: 8, 14, 20, ...'
            )
        stem, *widths = channels
        parts: dict[str, nn.Module] = dict(
            conv1=nn.Conv2d(3, stem, 3, padding=1, bias=False),
            bn1=nn.BatchNorm2d(stem),
            relu=nn.ReLU(inplace=True),
        )
        before = stem
        for number, width in enumerate(widths, start=1):
            stride = 1 if number == 1 else 2
            parts[f'layer{number}'] = _stage(before, width, (depth - 2) // 6, stride)
            before = width
        super().__init__(
            parts, [name for name in parts if 'layer' in name], pre_activation
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out')


def _stage(in_channels: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
    from torchvision.models.resnet import BasicBlock

    shortcut = None
    if stride > 1 or in_channels != channels:
        shortcut = nn.Sequential(
            nn.Conv2d(in_channels, channels, 1, stride, bias=False),
            nn.BatchNorm2d(channels),
        )
    return nn.Sequential(
        BasicBlock(in_channels, channels, stride, shortcut),
        *(BasicBlock(channels, channels) for _ in range(blocks - 1)),
    )
