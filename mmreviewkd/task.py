"""What the model of a config is for."""

from typing import Any

from .type_names import type_name

_ACCURACY = ('TopKAccuracy', 'Accuracy')
"""Metrics of classifiers: this project's and MMPretrain's."""


def classifies(cfg: Any) -> bool:
    """Tell whether a config's model is a classifier, by how it is evaluated.

    Args:
        cfg (Config): Config of a training or test.
    """
    for field in ('val_evaluator', 'test_evaluator'):
        metrics = cfg.get(field) or ()
        for metric in [metrics] if isinstance(metrics, dict) else metrics:
            if type_name(metric) in _ACCURACY:
                return True
    return False
