"""All components by name, in MMEngine's root registries."""

from inspect import isabstract
from typing import Any

from mmengine.registry import MODELS
from torch import nn

from . import connectors, losses


def register_all() -> None:
    """Register connectors, losses, methods, teachers, hooks and the distilled model."""
    # They register themselves as MMEngine's own components do.
    from . import datasets, hooks, methods, teachers  # noqa: F401

    for package in (connectors, losses):
        for name in package.__all__:
            found = getattr(package, name)
            if isinstance(found, type) and issubclass(found, nn.Module):
                if not isabstract(found):
                    MODELS.register_module(module=found, force=True)
    for name in ('DistilledModel', 'DistilledDetector'):
        MODELS.register_module(name=name, module=_distilled_model, force=True)


def _distilled_model(**fields: Any) -> nn.Module:
    """Build a distilled model, see :func:`build_distilled_model`."""
    # The methods for detectors load MMDetection.
    from . import detection  # noqa: F401
    from .distillers import build_distilled_model

    return build_distilled_model(**fields)
