"""Accuracy, as a metric."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS
from torch import Tensor


@METRICS.register_module()
class TopKAccuracy(BaseMetric):
    """Share of the images whose class is among the ``k`` likeliest, in percent.

    Logged as ``accuracy/top1`` and so on, as MMPretrain has it.

    Args:
        topk (int | Sequence[int]): The values of ``k``. Defaults to (1, 5).
        collect_device (str): See :class:`mmengine.evaluator.BaseMetric`. Defaults to
            ``'cpu'``.
        prefix (str, optional): Likewise. Defaults to None: ``'accuracy'``.
    """

    default_prefix = 'accuracy'

    def __init__(
        self,
        topk: int | Sequence[int] = (1, 5),
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix)
        self.topk = (topk,) if isinstance(topk, int) else tuple(topk)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Note a batch's results, dicts of ``pred_score`` (C,) and ``gt_label``."""
        scores = torch.stack([one['pred_score'] for one in data_samples])
        labels = torch.stack(
            [torch.as_tensor(one['gt_label']).flatten()[0] for one in data_samples]
        )
        self.results.extend(ranks(scores, labels.to(scores.device)).tolist())

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Compute the accuracies from the ranks of the true classes."""
        found = torch.tensor(results)
        return {f'top{k}': 100 * (found < k).double().mean().item() for k in self.topk}


def ranks(scores: Tensor, labels: Tensor) -> Tensor:
    """Count the classes that are taken for likelier than the true one.

    A class of the same score counts too, so that equal scores for all are no success;
    nor are scores that are not a number.

    Args:
        scores (Tensor): Scores of the classes (N, C).
        labels (Tensor): True classes (N,).

    Returns:
        Tensor: (N,), from 0, the likeliest, to C - 1.
    """
    own = scores.gather(1, labels[:, None].long())
    # Not >=, which is false of NaN.
    return (~(scores < own)).sum(1) - 1
