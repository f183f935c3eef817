"""The one-command jobs: train and distil; compare methods."""

from .compare import run_comparison
from .errors import JobError
from .job import run_job

__all__ = ['JobError', 'run_comparison', 'run_job']
