"""Telling classifiers from detectors."""

from torch import nn


def is_classifier(model: nn.Module) -> bool:
    """Say whether a model has one head that scores whole images.

    True of :class:`ImageClassifier` and of MMPretrain's classifiers.
    """
    names = ('bbox_head', 'roi_head', 'mask_head')
    return hasattr(model, 'head') and not any(hasattr(model, one) for one in names)
