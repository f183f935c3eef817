"""Hooks: what happens around the training steps."""

from .distill_schedule import DistillScheduleHook
from .frozen_teacher import FrozenTeacherHook
from .random_state import RandomStateHook

__all__ = ['DistillScheduleHook', 'FrozenTeacherHook', 'RandomStateHook']
