import math

import numpy as np
import pytest

from mmreviewkd.results.intervals import (
    Interval,
    bootstrap_interval,
    fieller_interval,
    percentile_interval,
    t_interval,
)

# Student's t of the tables, for 95 % on two sides.
T1, T2, T4 = 12.706, 4.303, 2.776


def test_t_interval():
    # Mean 1.8, sample standard deviation sqrt(0.84) = 0.9165.
    low, high = t_interval([2.6, 0.8, 2.0])
    half = T2 * 0.9165 / math.sqrt(3)
    assert (low, high) == pytest.approx((1.8 - half, 1.8 + half), abs=1e-3)
    # 2 seeds: 2 and 4, standard deviation sqrt(2).
    assert t_interval([2, 4]) == pytest.approx((3 - T1, 3 + T1), abs=1e-3)


def test_one_value_has_no_interval():
    assert t_interval([1.0]) is None and t_interval([]) is None


def test_values_that_agree_by_rounding():
    assert t_interval([1.0, 1.0]) == (1.0, 1.0)
    half = T1 * 0.04 / math.sqrt(2)
    assert t_interval([1.0, 1.0], 0.04) == pytest.approx((1 - half, 1 + half), abs=1e-3)


@pytest.mark.parametrize(
    'interval, clear', [((0.1, 2), True), ((-2, -0.1), True), ((-1, 2), False)]
)
def test_sign_is_clear(interval, clear):
    assert Interval(*interval).excludes_zero == clear


def test_bootstrap_with_a_fixed_seed():
    values = [0.3, 1.1, 2.4, 0.9, 1.7, -0.2, 1.3, 0.8, 2.1, 1.6]
    low, high = bootstrap_interval(values)
    assert bootstrap_interval(values) == (low, high)
    # The standard error is 0.251: about 1.2 ± 1.96 · 0.251 · sqrt(9 / 10).
    assert (low, high) == pytest.approx((0.73, 1.67), abs=0.1)
    assert bootstrap_interval(values[:9]) is None
    assert bootstrap_interval([2.0] * 10) == (2.0, 2.0)


def test_fieller():
    # Gains 1, 2, 3 of gaps 4, 5, 6: means 2 and 5, all (co)variances 1, over n = 3:
    # 1/3. t² = 18.51, times 1/3: 6.171.
    # (25 - 6.171) r² - 2 (10 - 6.171) r + (4 - 6.171) =
    # 18.829 r² - 7.658 r - 2.171: (3.829 ± sqrt(14.661 + 40.878)) / 18.829.
    low, high = fieller_interval([1, 2, 3], [4, 5, 6])
    assert (low, high) == pytest.approx((-0.1924, 0.5992), abs=1e-3)


def test_fieller_holds_what_students_interval_does():
    gains, gaps = [1.3, 2.9, 1.5, 2.2, 0.4], [9.1, 11.4, 8.8, 10.9, 9.7]
    for end in fieller_interval(gains, gaps):
        rest = [gain - end * gap for gain, gap in zip(gains, gaps, strict=True)]
        # 0 is just at the end of the interval of gain - r · gap.
        assert min(map(abs, t_interval(rest))) == pytest.approx(0, abs=1e-9)


def test_fieller_of_certain_gaps_is_students():
    low, high = fieller_interval([1, 2, 3, 4, 5], [10] * 5)
    half = T4 * math.sqrt(2.5 / 5) / 10
    assert (low, high) == pytest.approx((0.3 - half, 0.3 + half), abs=1e-3)


def test_fieller_of_rounded_values_that_agree():
    """The least deviation is that of the numerators and of the denominators."""
    assert fieller_interval([2, 2], [4, 4]) == pytest.approx((0.5, 0.5))
    # Over n = 2: 0.04² / 2 = 0.0008, times t² = 161.45: 0.1292.
    # (16 - 0.1292) r² - 16 r + (4 - 0.1292): (8 ± sqrt(64 - 61.433)) / 15.871.
    low, high = fieller_interval([2, 2], [4, 4], least_std=0.04)
    assert (low, high) == pytest.approx((0.4031, 0.6050), abs=1e-3)


def test_no_ratio_to_a_gap_that_may_be_zero():
    assert fieller_interval([1, 2, 3], [-1, 3, 1]) is None
    assert fieller_interval([1], [2]) is None


def test_percentiles():
    assert percentile_interval(np.arange(101)) == pytest.approx((2.5, 97.5))
