"""The one-command job: train a teacher, distil students from it, compare."""

from .errors import JobError
from .job import run_job
from .method import (
    AS_CONFIGURED,
    CONTROLS,
    Method,
    read_methods,
    unlabeled_methods,
)
from .settings import Detectors, Training
from .until_clear import run_until_clear

__all__ = [
    'AS_CONFIGURED',
    'CONTROLS',
    'Detectors',
    'JobError',
    'Method',
    'Training',
    'read_methods',
    'run_job',
    'run_until_clear',
    'unlabeled_methods',
]
