"""x-LLM's scaling law of translation quality, and how many sentence pairs each language should get.

    S(X) = 100 - alpha * (gamma * X) ** -beta

S is COMET (0..100) after training on X sentence pairs, gamma the similarity of the language to English, measured before
training (`eval.analysis.similarity`). alpha and gamma cannot be told apart from one curve, so gamma has to be given.
Where it is not, it is 1 and alpha holds both. arXiv 2308.04948, sections on the scaling law and on optimal data
allocation.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import OptimizeWarning, brentq, curve_fit
from scipy.stats import t as student

from polydistill.engine.errors import UserError

Points = Mapping[str, Sequence[tuple[float, float]]]
"""Language -> measured (sentence pairs, score)."""


@dataclass(frozen=True)
class Law:
    """The law of one language; intervals are where alpha and beta lie with the probability asked for."""

    alpha: float
    beta: float
    gamma: float = 1.0
    alpha_interval: tuple[float, float] = (float("nan"), float("nan"))
    beta_interval: tuple[float, float] = (float("nan"), float("nan"))
    residual: float = 0.0  # standard deviation of the measured scores around the curve
    points: int = 0

    @property
    def scale(self) -> float:
        """A = alpha * gamma ** -beta, so that S(X) = 100 - A * X ** -beta."""
        return self.alpha * self.gamma**-self.beta

    def score(self, pairs: np.ndarray | float) -> np.ndarray:
        """S(X)."""
        return 100 - self.scale * np.asarray(pairs, float) ** -self.beta


def fit(
    points: Points, gamma: Mapping[str, float] | None = None, shared: bool = False, confidence: float = 0.95
) -> dict[str, Law]:
    """alpha and beta by non-linear least squares, for each language alone or (`shared`) one pair for all.

    Both are fitted as logarithms, which keeps them and their intervals positive; intervals are Student's t around the
    least-squares estimate.

    Raises:
        UserError: a score at or above 100, sizes that are not positive, fewer than three points for a fit, or scores
            that no law of this form describes.
    """
    known = {language: 1.0 if gamma is None else _gamma(gamma, language) for language in points}
    _check(points)
    if shared:
        sizes, scores = (
            np.array([p[i] * (known[language] if i == 0 else 1) for language in points for p in points[language]])
            for i in (0, 1)
        )
        one = _fit(sizes, scores, confidence, "all languages")
        return {language: replace(one, gamma=known[language]) for language in points}
    return {
        language: replace(_fit(known[language] * x, y, confidence, language), gamma=known[language])
        for language, (x, y) in ((name, np.array(rows, float).T) for name, rows in points.items())
    }


def _gamma(gamma: Mapping[str, float], language: str) -> float:
    value = gamma.get(language)
    if value is None or not 0 < value <= 1:
        raise UserError(
            f"no similarity (gamma, above 0 and at most 1) for {language}: measure it with `polydistill similarity`"
        )
    return value


def _check(points: Points) -> None:
    for language, rows in points.items():
        for pairs, score in rows:
            if not 0 < pairs < float("inf") or not float("-inf") < score < 100:
                raise UserError(f"{language}: point ({pairs:g}, {score:g}): pairs must be above 0, scores below 100")


def _fit(sizes: np.ndarray, scores: np.ndarray, confidence: float, name: str) -> Law:
    if len(sizes) < 3 or len(np.unique(sizes)) < 2:
        raise UserError(
            f"{name}: {len(sizes)} points of {len(np.unique(sizes))} sizes. A fit with intervals needs 3 of 2"
        )
    slope, height = np.polyfit(np.log(sizes), np.log(100 - scores), 1)  # exact without noise: a start that cannot fail
    start = (height, np.log(max(-slope, 1e-3)))

    def law(x: np.ndarray, log_alpha: float, log_beta: float) -> np.ndarray:
        return 100 - np.exp(log_alpha - np.exp(log_beta) * np.log(x))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)  # said below, as an error
        estimate, covariance = curve_fit(law, sizes, scores, p0=start, maxfev=20_000)
    if not np.isfinite(covariance).all():
        raise UserError(f"{name}: no law fits, since the scores do not rise with the pairs. Measure more sizes")
    error = np.sqrt(np.diag(covariance)) * student.ppf((1 + confidence) / 2, len(sizes) - 2)
    low, high = np.exp(estimate - error), np.exp(estimate + error)
    residual = float(np.sqrt(np.sum((law(sizes, *estimate) - scores) ** 2) / (len(sizes) - 2)))
    alpha, beta = (float(v) for v in np.exp(estimate))
    intervals = [(float(a), float(b)) for a, b in zip(low, high)]
    return Law(alpha, beta, 1.0, intervals[0], intervals[1], residual, len(sizes))


@dataclass(frozen=True)
class Allocation:
    """How a budget is spent, and what shows that no other way is better."""

    pairs: dict[str, int]  # adds up to the budget
    scores: dict[str, float]  # predicted S of each language
    score: float  # their mean
    uniform: float  # the same for equal parts
    gains: dict[str, float]  # marginal gain of each language, S per thousand pairs
    at_limit: list[str]  # languages that get all they have
    spread: float  # of the gains of the others: (largest - smallest) / mean; 0 at the optimum
    optimal: bool  # gains equal to 0.1%, and none at its limit gains less


def allocate(laws: Mapping[str, Law], budget: int, limits: Mapping[str, int] | None = None) -> Allocation:
    """Maximize the mean of S_i(X_i) over sum X_i = budget, 0 <= X_i <= limit_i.

    The problem is convex and separable, so its optimum has a closed form up to one number, the common marginal gain
    (the Lagrange multiplier), which is found by bisection. x-LLM solves it by SLSQP, which stops early under limits.

    Raises:
        UserError: the limits leave no room for the budget.
    """
    names = list(laws)
    most = np.array([(limits or {}).get(name, budget) for name in names], float)
    if most.sum() < budget:
        raise UserError(f"a budget of {budget:,} pairs, but only {int(most.sum()):,} are available. Lower --budget")
    scale, beta = (np.array([getattr(laws[name], key) for name in names]) for key in ("scale", "beta"))
    found = _optimum(scale, beta, budget, most)
    pairs = _rounded(found, budget, most)
    gains = scale * beta * found ** (-beta - 1)
    limited = found > most * (1 - 1e-9)
    free = gains[~limited]
    spread = float(np.ptp(free) / free.mean()) if len(free) else 0.0
    held = not limited.any() or not len(free) or gains[limited].min() >= free.min() * (1 - 1e-3)
    return Allocation(
        pairs=dict(zip(names, pairs.tolist())),
        scores=dict(zip(names, (100 - scale * found**-beta).tolist())),
        score=_mean(scale, beta, found),
        uniform=_mean(scale, beta, _uniform(budget, most)),
        gains=dict(zip(names, (1000 * gains).tolist())),
        at_limit=[name for name, full in zip(names, limited) if full],
        spread=spread,
        optimal=bool(spread < 1e-3 and held),
    )


def _mean(scale: np.ndarray, beta: np.ndarray, pairs: np.ndarray) -> float:
    return float(np.mean(100 - scale * pairs**-beta))


def _optimum(scale: np.ndarray, beta: np.ndarray, budget: float, most: np.ndarray) -> np.ndarray:
    """x_i = min(limit_i, (A_i beta_i / lambda) ** (1 / (beta_i + 1))), with lambda such that they add up.

    Float (languages,), all above 0.
    """

    def pairs(log_price: float) -> np.ndarray:
        return np.minimum(most, np.exp((np.log(scale * beta) - log_price) / (beta + 1)))

    prices = np.log(scale * beta) - (beta + 1) * np.log(budget)  # each language's gain at the whole budget
    low = prices.min() - 60.0
    high = prices.max() + (beta.max() + 1) * np.log(len(beta)) + 1
    if pairs(low).sum() <= budget:
        return most
    return pairs(brentq(lambda price: pairs(price).sum() - budget, low, high, xtol=1e-14, rtol=1e-15))


def _uniform(budget: float, most: np.ndarray) -> np.ndarray:
    """Equal parts; what a language lacks goes to the others."""
    part = np.zeros_like(most)
    while budget - part.sum() > 1e-9 * budget:
        room = part < most
        part = np.minimum(most, part + np.where(room, (budget - part.sum()) / room.sum(), 0))
    return part


def _rounded(pairs: np.ndarray, budget: int, most: np.ndarray) -> np.ndarray:
    """Whole numbers that add up to the budget, each within its limit: largest remainders first. int64 (languages,)."""
    whole = np.floor(np.minimum(pairs, most)).astype(np.int64)
    order = np.argsort(-(pairs - whole), kind="stable")
    while missing := budget - int(whole.sum()):
        step = 1 if missing > 0 else -1
        room = [i for i in order if (whole[i] < np.floor(most[i]) if step > 0 else whole[i] > 0)]
        for index in room[: abs(missing)]:
            whole[index] += step
    return whole
