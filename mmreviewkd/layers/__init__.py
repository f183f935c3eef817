"""Layers that connectors and teachers are made of."""

from .pointwise import PointwiseConv2d
from .winograd import WinogradConv2d

__all__ = ['PointwiseConv2d', 'WinogradConv2d']
