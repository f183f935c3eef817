"""Connectors: from the student's maps to maps comparable with the teacher's."""

from .abf import ABF
from .review_connector import ReviewConnector

__all__ = ['ABF', 'ReviewConnector']
