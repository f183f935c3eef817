"""Telling classifiers from detectors, and the labels of their images."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


def is_classifier(model: nn.Module) -> bool:
    """Say whether a model has one head that scores whole images.

    True of :class:`ImageClassifier` and of MMPretrain's classifiers.
    """
    names = ('bbox_head', 'roi_head', 'mask_head')
    return hasattr(model, 'head') and not any(hasattr(model, one) for one in names)


def image_labels(data_samples: Tensor | Sequence[Any] | None) -> Tensor:
    """Read the labels (N,) of a batch: a tensor, or ``gt_label`` of each sample."""
    if isinstance(data_samples, Tensor):
        return data_samples
    return torch.cat([one.gt_label for one in data_samples or ()])
