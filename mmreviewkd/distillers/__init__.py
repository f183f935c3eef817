"""Distillers: detectors that learn from a teacher."""

from .distilled_detector import DistillationMixin, DistilledDetector
from .model_config import resolve_model_config
from .publish import publish_student
from .teacher import Teacher

__all__ = [
    'DistillationMixin',
    'DistilledDetector',
    'Teacher',
    'publish_student',
    'resolve_model_config',
]
