"""Which of MMDetection's model families work with this project."""

from .command import main

__all__ = ['main']
