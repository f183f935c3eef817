"""Distillers: students of any class that learn from teachers."""

from mmreviewkd.model_config import resolve_model_config
from mmreviewkd.teachers import Teacher, teacher

from .build import build_distilled_model
from .distilled_model import DistillationMixin, students_own
from .finite import NonFiniteError
from .publish import publish_student

__all__ = [
    'DistillationMixin',
    'NonFiniteError',
    'Teacher',
    'build_distilled_model',
    'publish_student',
    'resolve_model_config',
    'students_own',
    'teacher',
]
