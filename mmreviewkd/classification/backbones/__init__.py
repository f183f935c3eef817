"""Backbones of classifiers: those of other libraries, as maps at their stages."""

from .cifar_resnet import CIFARResNet
from .stages import Stages
from .torchdistill import TorchdistillResNet, TorchdistillWideResNet

__all__ = ['CIFARResNet', 'Stages', 'TorchdistillResNet', 'TorchdistillWideResNet']
