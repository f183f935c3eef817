"""The one-command job: train, distil, compare."""

from .errors import JobError
from .job import run_job

__all__ = ['JobError', 'run_job']
