"""What a hook sees of an evaluation, without a runner."""

from collections.abc import Iterable
from types import SimpleNamespace

import numpy as np

FOUND = dict(
    img_id=0,
    bboxes=np.array([[4, 4, 24, 14]]),
    scores=np.array([0.9]),
    labels=np.array([0]),
)
"""A cat where ``write_coco`` has one, in the first image; and that image."""
TRUTH = dict(width=64, height=64, img_id=0)


class Images(list):
    """Image ids in the place of a data set."""

    def get_data_info(self, index):
        return dict(img_id=self[index])


def runner_of(metrics: Iterable, images: Iterable) -> SimpleNamespace:
    """A runner that validates and tests with metrics on a data set."""
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=list(metrics)))
    loader = SimpleNamespace(dataset=images)
    return SimpleNamespace(
        val_loop=loop, test_loop=loop, val_dataloader=loader, test_dataloader=loader
    )
