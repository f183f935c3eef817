"""Hooks: what happens around the training steps."""

from .distill_schedule import DistillScheduleHook

__all__ = ['DistillScheduleHook']
