"""Data sets that the project makes itself."""

from .digits import DIGIT_NAMES, make_digits

__all__ = ['DIGIT_NAMES', 'make_digits']
