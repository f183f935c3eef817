"""What runs are compared by: AP of boxes and of masks, accuracy of classes."""

from collections.abc import Mapping
from typing import NamedTuple

COCO = dict(box='bbox', mask='segm')
"""What COCO calls the kinds of AP."""
_SIZES = {
    'AP': 'mAP',
    'AP50': 'mAP_50',
    'AP75': 'mAP_75',
    'APs': 'mAP_s',
    'APm': 'mAP_m',
    'APl': 'mAP_l',
}


class Kind(NamedTuple):
    """A kind of score, in points of 100.

    Args:
        name (str): Its name, such as ``'box'``.
        unit (str): What is counted, such as ``'AP'``; the first of the columns.
        columns (dict[str, str]): Names of the evaluator's metrics by column.
        factor (float): Points of one in the evaluator's metrics.
        meaning (str): What the unit is, for the notes of a table.
    """

    name: str
    unit: str
    columns: dict[str, str]
    factor: float
    meaning: str

    @property
    def title(self) -> str:
        """str: What it is called in tables and plots, such as ``'box AP'``."""
        return f'{self.name} {self.unit}'

    @property
    def heading(self) -> str:
        """str: The title of its plots."""
        return f'{self.title[0].upper()}{self.title[1:]} on the validation images'

    @property
    def metric(self) -> str:
        """str: The evaluator's name of the score by which runs are compared."""
        return self.columns[self.unit]

    def score(
        self, metrics: Mapping[str, float], column: str | None = None
    ) -> float | None:
        """Read a score out of an evaluation's metrics.

        Args:
            metrics (Mapping[str, float]): What the evaluator has returned.
            column (str, optional): One of ``columns``. Defaults to None: ``unit``.

        Returns:
            float | None: The points; None where there are no objects of that size, or
            only other scores were evaluated.
        """
        name = self.columns[column or self.unit]
        value = metrics.get(name)
        if value is None:
            # CocoMetric returns nothing where a detector detects nothing.
            return None if metrics else 0.0
        return None if value < 0 else self.factor * value


KINDS = {
    name: Kind(
        name,
        'AP',
        {column: f'coco/{own}_{metric}' for column, metric in _SIZES.items()},
        factor=100.0,
        meaning='AP is COCO mAP in points of 100',
    )
    for name, own in COCO.items()
} | {
    'top-1': Kind(
        'top-1',
        'accuracy',
        {'accuracy': 'accuracy/top1'},
        factor=1.0,
        meaning='Accuracy is in percent',
    )
}
"""The kinds by name."""


def write_scores(metrics: Mapping[str, float]) -> str:
    """Write the scores of an evaluation, such as ``box AP 35.1, mask AP 30.2``.

    Returns:
        str: Nothing where there is none; ``box AP -`` where there are no objects.
    """
    return ', '.join(
        f'{kind.title} {_points(kind.score(metrics))}'
        for kind in KINDS.values()
        if kind.metric in metrics
    )


def _points(score: float | None) -> str:
    return '-' if score is None else f'{score:.1f}'
