"""What distillation costs."""

from .benchmark import Setting, benchmark, table
from .growth import growth_table, measure_growth, plot_growth
from .profile import operator_table

__all__ = [
    'Setting',
    'benchmark',
    'growth_table',
    'measure_growth',
    'operator_table',
    'plot_growth',
    'table',
]
