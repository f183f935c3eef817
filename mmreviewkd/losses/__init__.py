"""Distances between the connector's maps and the teacher's."""

from .hcl import HCLLoss

__all__ = ['HCLLoss']
