"""Two groups of runs: Welch's t-test with the interval of the difference, and Hedges' g."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Difference:
    """Difference of the means of two groups of runs."""

    difference: float
    low: float
    high: float
    p: float  # two-sided


def welch(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Difference:
    """Welch's t-test and interval (Welch 1947; Self-Translate-Train compares its arms so).

    NaN for p and interval where a group has fewer than two runs. Runs that do not vary within both groups give no
    estimate of their spread, so p is 1 there, however far the groups are apart.
    """
    difference = float(np.mean(first) - np.mean(second))
    if len(first) < 2 or len(second) < 2:
        return Difference(difference, math.nan, math.nan, math.nan)
    a, b = (float(np.var(values, ddof=1)) / len(values) for values in (first, second))
    if a + b < 1e-18:
        return Difference(difference, difference, difference, 1.0)
    freedom = (a + b) ** 2 / (a**2 / (len(first) - 1) + b**2 / (len(second) - 1))
    error = math.sqrt(a + b)
    reach = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(difference) / error, freedom))
    return Difference(difference, difference - reach, difference + reach, p)


def hedges(
    first: Sequence[float], second: Sequence[float], confidence: float = 0.95
) -> tuple[float, float, float] | None:
    """Hedges' g with its interval (Hedges 1981): the difference in pooled standard deviations, corrected for few runs.

    None where the runs do not vary.
    """
    m, n = len(first), len(second)
    pooled = ((m - 1) * np.var(first, ddof=1) + (n - 1) * np.var(second, ddof=1)) / (m + n - 2)
    if pooled < 1e-18:
        return None
    correction = 1 - 3 / (4 * (m + n - 2) - 1)
    g = float(correction * (np.mean(first) - np.mean(second)) / math.sqrt(pooled))
    error = math.sqrt((m + n) / (m * n) + g**2 / (2 * (m + n)))
    reach = float(stats.norm.ppf((1 + confidence) / 2)) * error
    return g, g - reach, g + reach
