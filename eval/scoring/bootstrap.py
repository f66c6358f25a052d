"""How sure the numbers are: intervals and comparisons by the bootstrap, Holm's correction.

Resampling draws questions with replacement (Koehn 2004). The draw is a function of the seed and the questions' ids:
two models, two metrics or two languages that share their questions see the same draw, so differences between models
are paired, and macro-averages over languages respect that a hard sentence is hard in every language.
"""

import hashlib
import math
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
        return wilson(float(measure.rows.mean()) / 100, len(measure.ids), confidence)
    return percentiles(sampled, confidence)


def wilson(share: float, count: float, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion `share` (0..1) of `count` cases, in percent."""
    z = float(stats.norm.ppf((1 + confidence) / 2))
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    reach = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    low = middle - reach if share > 0 else 0.0
    high = middle + reach if share < 1 else 1.0
    return 100 * max(0.0, low), 100 * min(1.0, high)


@dataclass(frozen=True)
class Sampled:
    """A measure and its values on resamples: float64 (resamples,)."""

    measure: Measure
    values: np.ndarray


def average_interval(group: Sequence[Sampled], confidence: float) -> tuple[float, float]:
    """Confidence interval of the mean of one metric over languages.

    The bootstrap's percentiles; for shares Wilson's interval, as for a single language, with the effective number of
    questions: that whose variance is the bootstrap's. Where no resample differs (all right, or all wrong), it is that
    of the smallest language.
    """
    if len(group) == 1:
        return interval(group[0].measure, group[0].values, confidence)
    together = np.mean([entry.values for entry in group], axis=0)
    if not all(_is_share(entry.measure) for entry in group):
        return percentiles(together, confidence)
    share = float(np.mean([entry.measure.value for entry in group])) / 100
    sizes = [len(entry.measure.ids) for entry in group]
    variance = float(np.var(together)) / 1e4
    effective = share * (1 - share) / variance if variance > 0 else 0.0
    return wilson(share, min(max(effective, min(sizes)), sum(sizes)), confidence)


def percentiles(sampled: np.ndarray, confidence: float) -> tuple[float, float]:
    """The middle `confidence` of resampled values."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(sampled, [tail, 1 - tail])
    return float(low), float(high)


def _is_share(measure: Measure) -> bool:
    """Whether a measure is an unweighted share of yes/no outcomes."""
    unweighted = measure.stats.shape[1] == 2 and bool((measure.stats[:, 1] == 1).all())
    return unweighted and bool(np.isin(measure.rows, (0.0, 100.0)).all())


def compare(first: Measure, second: Measure, resamples: int, seed: int, confidence: float) -> Comparison:
    """Paired bootstrap of the difference between two models on the same questions.

    p is two-sided: the share of resamples in which the centered difference is at least as far from 0 as the observed
    one, with one added to both counts. sacreBLEU's paired bootstrap centers absolute differences instead, so its p is
    about half of this one.

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


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number by Holm's step-down method (Holm 1979), in the given order."""
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected
