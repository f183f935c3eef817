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
        if any(type_name(one) in _ACCURACY for one in metric_configs(cfg.get(field))):
            return True
    return False


def metric_configs(evaluator: Any) -> list[dict]:
    """List the metrics of an evaluator's config.

    Args:
        evaluator (dict | Sequence[dict], optional): One metric, several, or an
            ``Evaluator`` with its ``metrics``.
    """
    if not evaluator:
        return []
    if isinstance(evaluator, dict):
        inner = evaluator.get('metrics')
        return [evaluator] if inner is None else metric_configs(inner)
    return [metric for part in evaluator for metric in metric_configs(part)]
