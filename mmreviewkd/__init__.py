"""Knowledge distillation by knowledge review for MMDetection 3.x and MMEngine.

Importing this package, as ``custom_imports`` does, makes MMEngine work on current
PyTorch (:mod:`mmreviewkd.compat`) and registers everything by name
(:mod:`mmreviewkd.register`). MMDetection is not loaded before a model of it is built.
"""

from . import compat
from .version import __version__

compat.enable()

from . import register  # noqa: E402

register.register_all()

__all__ = ['__version__']
