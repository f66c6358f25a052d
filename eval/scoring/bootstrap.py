"""How sure the numbers are: intervals and comparisons by the bootstrap, Welch's test over seeds.

Resampling draws questions with replacement (Koehn 2004). The draw is a function of the seed and the questions' ids:
two models, two metrics or two languages that share their questions see the same draw, so differences between models
are paired, and macro-averages over languages respect that a hard sentence is hard in every language.
"""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from polydistill.eval.scoring.metrics import Measure


@dataclass(frozen=True)
class Comparison:
    """A model against another on the same questions."""

    difference: float  # value of the first minus that of the second
    low: float
    high: float
    p: float  # two-sided
    wins: int  # questions where the first is better
    losses: int
    ties: int


def draws(ids: Sequence[str], resamples: int, seed: int) -> np.ndarray:
    """How often each question is drawn in each resample: float64 (resamples, questions)."""
    digest = hashlib.blake2b("\n".join(ids).encode(), digest_size=8, salt=seed.to_bytes(8, "little")).digest()
    generator = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))
    count = len(ids)
    picked = generator.integers(0, count, size=(resamples, count), dtype=np.int32)
    picked += np.arange(resamples, dtype=np.int32)[:, None] * count
    return np.bincount(picked.reshape(-1), minlength=resamples * count).reshape(resamples, count).astype(np.float64)


def replicates(measure: Measure, resamples: int, seed: int) -> np.ndarray:
    """The metric on each resample: float64 (resamples,); all NaN where there are no questions."""
    if not measure.ids:
        return np.full(resamples, np.nan)
    parts = []
    # Ten thousand questions times a thousand resamples are drawn in one go; the memory stays below 100 MB per part.
    for start in range(0, resamples, 500):
        part = draws(measure.ids, min(500, resamples - start), seed + start)
        parts.append(measure.reduce(part @ measure.stats))
    return np.concatenate(parts)


def interval(measure: Measure, sampled: np.ndarray, confidence: float) -> tuple[float, float]:
    """Confidence interval of a metric.

    Shares of yes/no outcomes get Wilson's interval (Wilson 1927), which also holds where every answer is right or
    wrong; other metrics the bootstrap's percentiles.
    """
    if not measure.ids:
        return float("nan"), float("nan")
    if _is_share(measure):
        return wilson(measure.rows.sum() / 100, len(measure.ids), confidence)
    return percentiles(sampled, confidence)


def wilson(hits: float, count: int, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion, in percent."""
    found = stats.binomtest(round(hits), count).proportion_ci(confidence_level=confidence, method="wilson")
    return 100 * found.low, 100 * found.high


def percentiles(sampled: np.ndarray, confidence: float) -> tuple[float, float]:
    """The middle `confidence` of resampled values."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(sampled, [tail, 1 - tail])
    return float(low), float(high)


def _is_share(measure: Measure) -> bool:
    return measure.stats.shape[1] == 2 and bool(np.isin(measure.rows, (0.0, 100.0)).all())


def compare(first: Measure, second: Measure, resamples: int, seed: int, confidence: float) -> Comparison:
    """Paired bootstrap of the difference between two models on the same questions.

    p is the share of resamples in which the centered difference is at least as large as the observed one, with one
    added to both counts (as sacreBLEU's paired bootstrap).

    Raises:
        ValueError: the two are not over the same questions.
    """
    if first.ids != second.ids:
        raise ValueError(f"{first.name}: not the same questions ({len(first.ids)} and {len(second.ids)})")
    sampled = replicates(first, resamples, seed) - replicates(second, resamples, seed)
    better = (first.rows - second.rows) * (1 if first.higher_is_better else -1)
    wins, losses = int((better > 1e-9).sum()), int((better < -1e-9).sum())
    return Comparison(
        first.value - second.value,
        *percentiles(sampled, confidence),
        p_value(first.value - second.value, sampled),
        wins,
        losses,
        len(better) - wins - losses,
    )


def p_value(difference: float, sampled: np.ndarray) -> float:
    """Two-sided p of a difference from its bootstrap distribution."""
    centered = np.abs(sampled - sampled.mean())
    return float((1 + (centered >= abs(difference) - 1e-12).sum()) / (1 + len(sampled)))


def welch(first: Sequence[float], second: Sequence[float]) -> float:
    """p of Welch's t-test between two groups of runs (Self-Translate-Train compares its arms so); NaN below 2 each."""
    if len(first) < 2 or len(second) < 2:
        return float("nan")
    if np.ptp(first) == 0 and np.ptp(second) == 0:
        return 1.0 if first[0] == second[0] else 0.0
    with warnings.catch_warnings():  # runs that all agree (an off-target rate of 100, say) are no numerical accident
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(stats.ttest_ind(first, second, equal_var=False).pvalue)
