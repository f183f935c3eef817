"""ResNets for images of 32x32 pixels, of the package torchdistill."""

from typing import Any

import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from .stages import Stages

LAYERS = ('layer1', 'layer2', 'layer3')


@MODELS.register_module()
class TorchdistillResNet(Stages):
    """A ResNet of 6n + 2 layers: 16, 32 and 64 channels.

    Args:
        depth (int): Number of layers: 20, 32, 44, 56, 110.
        pre_activation (bool): See :class:`Stages`. Defaults to False.

    Raises:
        ImportError: If torchdistill is not installed.
    """

    def __init__(self, depth: int, pre_activation: bool = False) -> None:
        model = _build('resnet', depth=depth)
        super().__init__(_trunk(model), LAYERS, pre_activation)


@MODELS.register_module()
class TorchdistillWideResNet(nn.Module):
    """A wide ResNet (WRN) of 6n + 4 layers.

    Args:
        depth (int): Number of layers: 16, 40, ...
        width (int): Factor on the channels 16, 32 and 64 of the stages.
        dropout (float): Probability of dropout within the blocks. Defaults to 0.
        pre_activation (bool): Whether the maps are those before the ReLU that the next
            block begins with, after its batch normalisation; else they are those that
            a stage adds up. Defaults to False.

    Raises:
        ImportError: If torchdistill is not installed.
    """

    def __init__(
        self,
        depth: int,
        width: int,
        dropout: float = 0.0,
        pre_activation: bool = False,
    ) -> None:
        super().__init__()
        model = _build('wide_resnet', depth=depth, k=width, dropout_p=dropout)
        for name, part in _trunk(model).items():
            self.add_module(name, part)
        self.pre_activation = pre_activation

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps (N, C_i, H_i, W_i), finest first, and the vector (N, C)."""
        parts: Any = dict(self.named_children())
        x, maps = parts['conv1'](images), []
        for name in LAYERS:
            x = parts[name](x)
            maps.append(x)
        last = parts['bn1'](x)
        if self.pre_activation:
            norms = [parts[name][0].bn1 for name in LAYERS[1:]]
            maps = [*map(_normalize, norms, maps), last]
        return (*maps, F.relu(last).mean((2, 3)))


def _normalize(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """Apply batch normalisation once more, without a change of its statistics."""
    statistics = (
        (None, None) if norm.training else (norm.running_mean, norm.running_var)
    )
    return F.batch_norm(
        x, *statistics, norm.weight, norm.bias, training=norm.training, eps=norm.eps
    )


def _build(name: str, **kwargs: Any) -> nn.Module:
    try:
        from torchdistill.models.classification import resnet, wide_resnet
    except ImportError as error:
        raise ImportError(
            f'the {name} for CIFAR needs torchdistill, which is not installed; run pip '
            'install torchdistill'
        ) from error
    functions = dict(resnet=resnet.resnet, wide_resnet=wide_resnet.wide_resnet)
    return functions[name](num_classes=1, pretrained=False, progress=False, **kwargs)


def _trunk(model: nn.Module) -> dict[str, nn.Module]:
    """Name the parts before the pooling."""
    parts = dict(model.named_children())
    return {name: part for name, part in parts.items() if name not in ('avgpool', 'fc')}
