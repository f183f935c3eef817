"""A check that unlabelled images are not trained on as images without objects."""

from typing import Any

from mmengine.model import is_model_wrapper
from torch import nn

from mmreviewkd.errors import UsageError

from .class_names import parts
from .unlabeled import UnlabeledImages


def check_unlabeled(dataset: Any, model: nn.Module) -> None:
    """Check that a model that is trained on unlabelled images knows of them.

    Args:
        dataset (Dataset): The training's data set.
        model (nn.Module): The model, in a wrapper or not.

    Raises:
        UsageError: If the data set has unlabelled images, and the model is not
            distilled: a plain detector would learn that they show nothing.
    """
    places = [
        place
        for place, part in parts(dataset, 'train_dataloader.dataset')
        if isinstance(part, UnlabeledImages)
    ]
    plain = model.module if is_model_wrapper(model) else model
    if places and not hasattr(plain, 'distill_strength'):
        raise UsageError(
            f'{places[0]} has unlabelled images, which {type(plain).__name__} would '
            'learn to take for images without objects; leave them out, or set '
            "model.type='DistilledModel'"
        )
