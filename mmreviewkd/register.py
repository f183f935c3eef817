"""Connectors and losses by name, for configs.

They know PyTorch alone. Here they are registered with MMEngine's root registry, to
which those of MMDetection and of others fall back.
"""

from inspect import isabstract

from mmengine.registry import MODELS

from . import connectors, losses
from .connectors import Connector
from .losses import LevelwiseLoss


def register_modules() -> None:
    """Register all connectors and losses; once more has no effect."""
    for part in (*vars(connectors).values(), *vars(losses).values()):
        if (
            isinstance(part, type)
            and issubclass(part, Connector | LevelwiseLoss)
            and not isabstract(part)
            and MODELS.module_dict.get(part.__name__) is not part
        ):
            MODELS.register_module(module=part)
