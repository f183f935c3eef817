"""Distances between the connector's maps and the teacher's."""

from .hcl import HCLLoss, StandardizedHCLLoss

__all__ = ['HCLLoss', 'StandardizedHCLLoss']
