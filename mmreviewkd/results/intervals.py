"""Confidence intervals over seeds: of a mean, and of a ratio of two means."""

import math
from collections.abc import Sequence
from statistics import mean, stdev
from typing import NamedTuple

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
MANY = 10
"""With fewer values the bootstrap's intervals are too narrow to be of use."""


class Interval(NamedTuple):
    """A range that holds the true value in 95 of 100 repetitions."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """float: From end to end."""
        return self.high - self.low

    @property
    def excludes_zero(self) -> bool:
        """bool: Whether the sign is clear."""
        return self.low > 0 or self.high < 0


def t_interval(values: Sequence[float], least_std: float = 0.0) -> Interval | None:
    """Give Student's interval of a mean: mean ± t · s / √n, n - 1 degrees of freedom.

    Args:
        values (Sequence[float]): Independent values, such as gains, one a seed.
        least_std (float): The standard deviation s is taken to be at least this, for
            values that are rounded and may agree by that alone. Defaults to 0.0.

    Returns:
        Interval, optional: None with fewer than two values.
    """
    if len(values) < 2:
        return None
    half = _t(len(values)) * max(stdev(values), least_std) / math.sqrt(len(values))
    return Interval(mean(values) - half, mean(values) + half)


def bootstrap_interval(values: Sequence[float]) -> Interval | None:
    """Give the bootstrap's interval of a mean (BCa, 9999 resamples, fixed seed).

    A second opinion to :func:`t_interval`, which takes values to be normal.

    Args:
        values (Sequence[float]): Independent values.

    Returns:
        Interval, optional: None with fewer than :data:`MANY` values.
    """
    if len(values) < MANY:
        return None
    if min(values) == max(values):
        return Interval(values[0], values[0])
    found = stats.bootstrap(
        (values,), np.mean, confidence_level=CONFIDENCE, rng=np.random.default_rng(0)
    )
    return Interval(*map(float, found.confidence_interval))


def fieller_interval(
    numerators: Sequence[float],
    denominators: Sequence[float],
    least_std: float = 0.0,
) -> Interval | None:
    r"""Give Fieller's interval of a ratio of two means, from pairs of values.

    All ratios r for which the pairs' means do not contradict r: those where Student's
    interval of the mean of (numerator - r · denominator) holds 0 (Fieller, "Some
    problems in interval estimation", 1954). With means x and y, their (co)variances
    v, and t of n - 1 degrees of freedom, the ends are the roots of
    (y² - t² v_yy) r² - 2 (x y - t² v_xy) r + (x² - t² v_xx) = 0.

    The mean of the pairs' own ratios would be ruled by the pairs with the smallest
    denominators; the ratio of the means is not.

    Args:
        numerators (Sequence[float]): Such as gains, one a seed.
        denominators (Sequence[float]): Such as gaps, of the same seeds.
        least_std (float): See :func:`t_interval`; of both. Defaults to 0.0.

    Returns:
        Interval, optional: None with fewer than two pairs, and where the denominators'
        mean cannot be told from 0: then any ratio is possible.
    """
    n = len(numerators)
    if n < 2:
        return None
    x, y = mean(numerators), mean(denominators)
    t2 = _t(n) ** 2
    (v_xx, v_xy), (_, v_yy) = np.cov(numerators, denominators) / n
    v_xx, v_yy = (max(v, least_std**2 / n) for v in (v_xx, v_yy))
    a, b, c = y * y - t2 * v_yy, x * y - t2 * v_xy, x * x - t2 * v_xx
    if a <= 0:
        return None
    # Never negative but by rounding where a is positive.
    root = math.sqrt(max(0.0, b * b - a * c))
    return Interval((b - root) / a, (b + root) / a)


def percentile_interval(values: Sequence[float]) -> Interval:
    """Give the range of the middle 95 % of resampled values."""
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(float(low), float(high))


def _t(n: int) -> float:
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))
