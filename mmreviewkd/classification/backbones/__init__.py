"""Backbones of classifiers: those of other libraries, as maps at their stages."""

from .cifar_resnet import CIFARResNet
from .shufflenet_v1 import CIFARShuffleNetV1
from .stages import Stages
from .timm import TimmBackbone, TimmMobileNetV1
from .torchdistill import TorchdistillResNet, TorchdistillWideResNet
from .torchvision import (
    CIFARVGG,
    CIFARMobileNetV2,
    TorchvisionResNet,
    TorchvisionShuffleNetV2,
)

__all__ = [
    'CIFARVGG',
    'CIFARMobileNetV2',
    'CIFARResNet',
    'CIFARShuffleNetV1',
    'Stages',
    'TimmBackbone',
    'TimmMobileNetV1',
    'TorchdistillResNet',
    'TorchdistillWideResNet',
    'TorchvisionResNet',
    'TorchvisionShuffleNetV2',
]
