"""The number of classes in a model's config."""

from collections.abc import Iterator
from typing import Any

from mmengine.config import ConfigDict

# Other classes than those of the objects: a backbone's own task, object or none, stuff.
_OTHERS = ('backbone', 'neck', 'rpn_head', 'semantic_head', 'teacher', 'language_model')
_FIELDS = ('num_classes', 'num_things_classes')


def num_classes(model: ConfigDict) -> int | None:
    """Give the number of classes of a detector; None where no head says it.

    Args:
        model (ConfigDict): Its config.
    """
    return next((part[field] for part, field in class_fields(model)), None)


def class_fields(model: Any) -> Iterator[tuple[ConfigDict, str]]:
    """Find the fields of a detector's config that say its number of classes.

    Args:
        model (ConfigDict): The config, or a part of it.

    Yields:
        tuple[ConfigDict, str]: The config that has the field, and the field.
    """
    if isinstance(model, dict):
        for field in _FIELDS:
            if isinstance(model.get(field), int):
                yield model, field
        for key, part in model.items():
            if key not in _OTHERS:
                yield from class_fields(part)
    elif isinstance(model, list | tuple):
        for part in model:
            yield from class_fields(part)
