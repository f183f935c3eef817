"""Data sets of images and their classes."""

from .cifar100 import CIFAR100Images
from .image_folder import ImageFolder

__all__ = ['CIFAR100Images', 'ImageFolder']
