"""What distillation costs."""

from .benchmark import benchmark, table

__all__ = ['benchmark', 'table']
