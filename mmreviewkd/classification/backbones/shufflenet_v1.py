"""ShuffleNetV1, which neither torchvision nor timm has."""

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from .stages import Stages


@MODELS.register_module()
class CIFARShuffleNetV1(Stages):
    """ShuffleNetV1 with three groups, for images of 32x32 pixels.

    "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile
    Devices", table 1 (https://arxiv.org/abs/1707.01083); as in the distillation papers
    the stem is a 1x1 convolution that keeps the size.
    """

    def __init__(self) -> None:
        stem, widths, blocks, groups = 24, (240, 480, 960), (4, 8, 4), 3
        parts: dict[str, nn.Module] = dict(stem=_conv_norm(3, stem), relu=nn.ReLU(True))
        before = stem
        for number, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            # The first convolution has too few channels for groups.
            first = Unit(before, width, 2, groups, 1 if number == 0 else groups)
            others = [Unit(width, width, 1, groups, groups) for _ in range(count - 1)]
            parts[f'stage{number + 2}'] = nn.Sequential(first, *others)
            before = width
        super().__init__(parts, ('stage2', 'stage3', 'stage4'))


class Unit(nn.Module):
    """A ShuffleNet unit (figure 2 of the paper).

    Args:
        in_channels (int): Channels of the input.
        channels (int): Channels of the output.
        stride (int): 1, or 2 to halve the size; the shortcut is then appended instead
            of added.
        groups (int): Groups of the last convolution.
        first_groups (int): Groups of the first convolution.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int,
        groups: int,
        first_groups: int,
    ) -> None:
        super().__init__()
        self.stride = stride
        own = channels - in_channels if stride == 2 else channels
        mid = own // 4
        self.branch = nn.Sequential(
            _conv_norm(in_channels, mid, groups=first_groups),
            nn.ReLU(inplace=True),
            nn.ChannelShuffle(first_groups),
            _conv_norm(mid, mid, 3, stride, groups=mid),
            _conv_norm(mid, own, groups=groups),
        )
        self.shortcut = nn.AvgPool2d(3, 2, padding=1) if stride == 2 else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Compute a map (N, channels, H / stride, W / stride)."""
        own, shortcut = self.branch(x), self.shortcut(x)
        if self.stride == 2:
            return self.relu(torch.cat([own, shortcut], dim=1))
        return self.relu(own + shortcut)


def _conv_norm(
    in_channels: int, channels: int, size: int = 1, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(
            in_channels, channels, size, stride, size // 2, groups=groups, bias=False
        ),
        nn.BatchNorm2d(channels),
    )
