"""The number of classes in a model's config."""

from collections.abc import Iterator
from typing import Any

from mmengine.config import ConfigDict

from mmreviewkd.names import counted

from .errors import JobError

# Other classes than those of the objects: a backbone's own task, object or none, stuff.
_OTHERS = ('backbone', 'neck', 'rpn_head', 'semantic_head', 'teacher', 'language_model')
_FIELDS = ('num_classes', 'num_things_classes')


def set_num_classes(model: ConfigDict, number: int) -> None:
    """Set the number of classes in all heads of a detector.

    Args:
        model (ConfigDict): Its config, which is changed.
        number (int): Number of classes, background not counted.

    Raises:
        JobError: If the model segments stuff too.
    """
    for part, field in _places(model):
        if field == 'num_things_classes':
            if part.get('num_stuff_classes'):
                raise JobError(
                    f'a {model.type} for panoptic segmentation cannot be fitted: '
                    f'{counted(part.num_stuff_classes, "class", "classes")} of it are '
                    'no objects; take a config for instances'
                )
        _set_class_weights(part, part[field], number)
        part[field] = number


def num_classes(model: ConfigDict) -> int | None:
    """Give the number of classes of a detector; None where no head says it."""
    return next((part[field] for part, field in _places(model)), None)


def _places(value: Any) -> Iterator[tuple[ConfigDict, str]]:
    if isinstance(value, dict):
        for field in _FIELDS:
            if isinstance(value.get(field), int):
                yield value, field
        for key, part in value.items():
            if key not in _OTHERS:
                yield from _places(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _places(part)


def _set_class_weights(part: ConfigDict, before: int, number: int) -> None:
    """Fit a loss with a weight for each class and for the background, as DETR's."""
    loss = part.get('loss_cls')
    weights = loss.get('class_weight') if isinstance(loss, dict) else None
    if not isinstance(weights, list | tuple) or len(weights) != before + 1:
        return
    *classes, background = weights
    if len(set(classes)) > 1:
        raise JobError(
            'loss_cls.class_weight has different weights for the classes of another '
            'data set; set it, or take it out'
        )
    loss.class_weight = [classes[0]] * number + [background]
