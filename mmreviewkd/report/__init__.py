"""What trainings have left in their folders, as curves and a page."""

from .page import write_report
from .run_log import RunLog, read_runs

__all__ = ['RunLog', 'read_runs', 'write_report']
