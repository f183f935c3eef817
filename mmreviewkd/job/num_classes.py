"""Fitting a model's config to a number of classes."""

from mmengine.config import ConfigDict

from mmreviewkd.names import counted
from mmreviewkd.num_classes import class_fields

from .errors import JobError


def set_num_classes(model: ConfigDict, number: int) -> None:
    """Set the number of classes in all heads of a detector.

    Args:
        model (ConfigDict): Its config, which is changed.
        number (int): Number of classes, background not counted.

    Raises:
        JobError: If the model segments stuff too.
    """
    for part, field in class_fields(model):
        if field == 'num_things_classes':
            if part.get('num_stuff_classes'):
                raise JobError(
                    f'a {model.type} for panoptic segmentation cannot be fitted: '
                    f'{counted(part.num_stuff_classes, "class", "classes")} of it are '
                    'no objects; take a config for instances'
                )
        _set_class_weights(part, part[field], number)
        part[field] = number


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
