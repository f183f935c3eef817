"""Distances between the connector's maps and the teacher's."""

from .hcl import HCLLoss
from .standardized import OnStandardizedTargets

__all__ = ['HCLLoss', 'OnStandardizedTargets']
