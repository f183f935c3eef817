"""Layers that connectors and teachers are made of."""

from .winograd import WinogradConv2d

__all__ = ['WinogradConv2d']
