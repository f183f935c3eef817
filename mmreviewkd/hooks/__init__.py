"""Hooks: what happens around the training steps."""

from .distill_schedule import DistillScheduleHook
from .exact_resume import ExactResumeHook
from .frozen_teacher import FrozenTeacherHook
from .preemption import PreemptionHook

__all__ = [
    'DistillScheduleHook',
    'ExactResumeHook',
    'FrozenTeacherHook',
    'PreemptionHook',
]
