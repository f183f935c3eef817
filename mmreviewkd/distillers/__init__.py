"""Distillers: detectors that learn from a teacher."""

from .distilled_detector import DistillationMixin, DistilledDetector
from .finite import NonFiniteError
from .model_config import resolve_model_config
from .publish import publish_student
from .teacher import Teacher

__all__ = [
    'DistillationMixin',
    'DistilledDetector',
    'NonFiniteError',
    'Teacher',
    'publish_student',
    'resolve_model_config',
]
