"""All components by name, in MMEngine's root registries, for every scope."""

from collections.abc import Iterator
from inspect import isabstract
from typing import Any

from mmengine.registry import MODELS
from torch import nn

from . import connectors, losses
from .model_config import DISTILLED


def register_all() -> None:
    """Register all components; once more has no effect.

    Raises:
        KeyError: If a name is taken by something else.
    """
    # These register themselves, as MMEngine's own components do.
    from . import classification, datasets, hooks, methods, teachers  # noqa: F401

    for name, module in _modules():
        if MODELS.module_dict.get(name) is not module:
            MODELS.register_module(name=name, module=module)


def _modules() -> Iterator[tuple[str, Any]]:
    # Connectors and losses know PyTorch alone.
    for name, part in {**vars(connectors), **vars(losses)}.items():
        if isinstance(part, type) and issubclass(part, nn.Module):
            if not isabstract(part):
                yield name, part
    for name in DISTILLED:
        yield name, _distilled_model


def _distilled_model(**fields: Any) -> nn.Module:
    """Build a distilled model, see :func:`build_distilled_model`."""
    from .distillers import build_distilled_model

    return build_distilled_model(**fields)
