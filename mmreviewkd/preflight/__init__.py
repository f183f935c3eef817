"""Checks of a config and its data before a long run."""

from .annotations import check_annotations
from .findings import Findings
from .preflight import preflight

__all__ = ['Findings', 'check_annotations', 'preflight']
