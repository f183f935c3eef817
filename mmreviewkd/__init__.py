"""Knowledge distillation by knowledge review for MMDetection 3.x."""

from . import compat
from .version import __version__

# Before anything imports mmcv.ops or reads a checkpoint.
compat.enable()

from . import (  # noqa: E402
    connectors,
    datasets,
    distillations,
    distillers,
    files,
    hooks,
    losses,
    register,
)

register.register_modules()

__all__ = [
    '__version__',
    'compat',
    'connectors',
    'datasets',
    'distillations',
    'distillers',
    'files',
    'hooks',
    'losses',
]
