"""The demo's data, and loading that copes with broken images."""

from .digits import DIGIT_NAMES, make_digits
from .tolerant_loading import BrokenImagesHook, LoadImageOrSkip

__all__ = ['DIGIT_NAMES', 'BrokenImagesHook', 'LoadImageOrSkip', 'make_digits']
