"""The one-command job: train a teacher, distil students from it, compare."""

from .errors import JobError
from .job import run_job
from .method import AS_CONFIGURED, CONTROLS, Method, read_methods

__all__ = [
    'AS_CONFIGURED',
    'CONTROLS',
    'JobError',
    'Method',
    'read_methods',
    'run_job',
]
