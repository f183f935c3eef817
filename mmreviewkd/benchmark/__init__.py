"""What distillation costs."""

from .benchmark import benchmark, table
from .growth import growth_table, measure_growth, plot_growth

__all__ = ['benchmark', 'growth_table', 'measure_growth', 'plot_growth', 'table']
