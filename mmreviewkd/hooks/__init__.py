"""Hooks: what happens around the training steps."""

from .attention import AttentionHook
from .distill_schedule import DistillScheduleHook
from .evaluated_images import EvaluatedImagesHook
from .exact_resume import ExactResumeHook
from .frozen_teacher import FrozenTeacherHook
from .preemption import PreemptionHook
from .strict_load import StrictLoadHook

__all__ = [
    'AttentionHook',
    'DistillScheduleHook',
    'EvaluatedImagesHook',
    'ExactResumeHook',
    'FrozenTeacherHook',
    'PreemptionHook',
    'StrictLoadHook',
]
