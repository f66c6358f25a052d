"""Tests between groups of runs, against SciPy and by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from polydistill.eval.scoring.groups import hedges, welch


def test_welch_is_scipys() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        first, second = (generator.normal(50, generator.uniform(0.1, 5), generator.integers(2, 7)) for _ in range(2))
        official = stats.ttest_ind(first, second, equal_var=False)
        found = welch(first, second, 0.9)
        span = official.confidence_interval(0.9)
        assert found.p == pytest.approx(official.pvalue)
        assert (found.low, found.high) == pytest.approx((span.low, span.high))


def test_runs_without_spread_or_alone_are_not_told_apart() -> None:
    assert math.isnan(welch([1], [2, 3]).p)
    assert welch([100, 100], [99.9, 99.9]).p == 1 and hedges([100, 100], [99.9, 99.9]) is None


def test_hedges_by_hand() -> None:
    # Means 3 and 1, pooled standard deviation 1, four degrees of freedom: g = 2 * (1 - 3 / 15).
    found = hedges([2, 3, 4], [0, 1, 2])
    assert found and found[0] == pytest.approx(1.6) and found[1] < 1.6 < found[2]


def test_the_interval_of_hedges_covers() -> None:
    generator = np.random.default_rng(0)
    trials = [hedges(generator.normal(1, 1, 20), generator.normal(0, 1, 20)) for _ in range(1000)]
    assert sum(low <= 1 <= high for _, low, high in filter(None, trials)) >= 930
