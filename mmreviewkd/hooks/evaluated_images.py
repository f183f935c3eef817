"""Evaluation on the images of the data set, where those are not all of its file."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner


class EvaluatedImagesHook(Hook):
    """Tells metrics such as ``CocoMetric`` the images of the data set.

    Else they take all images of the annotation file, and each one that the data set's
    ``indices`` leave out counts as an image where nothing was found.
    """

    def before_val_epoch(self, runner: Runner) -> None:
        """Tell those of validation."""
        _tell(runner.val_loop.evaluator, runner.val_dataloader.dataset)

    def before_test_epoch(self, runner: Runner) -> None:
        """Tell those of the test."""
        _tell(runner.test_loop.evaluator, runner.test_dataloader.dataset)


def _tell(evaluator: Any, dataset: Any) -> None:
    metrics = [one for one in evaluator.metrics if hasattr(one, 'img_ids')]
    if not metrics or not hasattr(dataset, 'get_data_info'):
        return
    ids = [dataset.get_data_info(index)['img_id'] for index in range(len(dataset))]
    for metric in metrics:
        metric.img_ids = ids
