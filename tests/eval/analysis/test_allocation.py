import numpy as np
import pytest

from polydistill.engine.errors import UserError
from polydistill.eval.analysis.allocation import Law, allocate, fit

SIZES = np.array([1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6])


def measured(law: Law, noise: float, draw: np.random.Generator) -> list[tuple[float, float]]:
    return list(zip(SIZES, law.score(SIZES) + draw.normal(0, noise, len(SIZES))))


def test_recovers_without_noise() -> None:
    true = {"de": Law(250.0, 0.25, 0.8), "hi": Law(400.0, 0.3, 0.3)}
    found = fit({n: list(zip(SIZES, law.score(SIZES))) for n, law in true.items()}, {"de": 0.8, "hi": 0.3})
    for name, law in true.items():
        assert (found[name].alpha, found[name].beta) == pytest.approx((law.alpha, law.beta), rel=1e-4)


def test_intervals_cover_what_they_say() -> None:
    draw = np.random.default_rng(0)
    hits = np.zeros(2)
    trials = 400
    for _ in range(trials):
        true = Law(draw.uniform(100, 500), draw.uniform(0.15, 0.4), draw.uniform(0.2, 0.9))
        found = fit({"x": measured(true, 0.3, draw)}, {"x": true.gamma})["x"]
        hits += [
            found.alpha_interval[0] <= true.alpha <= found.alpha_interval[1],
            found.beta_interval[0] <= true.beta <= found.beta_interval[1],
        ]
    assert ((hits / trials > 0.92) & (hits / trials < 0.98)).all()  # 95%, and three standard errors are 3.3 points


def test_shared_law_needs_similarity_only() -> None:
    gamma = {"de": 0.9, "tr": 0.5, "hi": 0.2}
    draw = np.random.default_rng(1)
    points = {name: measured(Law(300.0, 0.22, g), 0.2, draw)[:2] for name, g in gamma.items()}  # two points each
    found = fit(points, gamma, shared=True)
    assert found["hi"].alpha == found["de"].alpha == pytest.approx(300, rel=0.25)
    assert found["hi"].scale > found["de"].scale


@pytest.mark.parametrize(
    ("points", "gamma", "message"),
    [
        ({"x": [(10, 50), (20, 60)]}, None, "x: 2 points"),
        ({"x": [(10, 50), (10, 60), (10, 55)]}, None, "1 sizes"),
        ({"x": [(0, 50)] * 3}, None, "above 0"),
        ({"x": [(10, 100.0)] * 3}, None, "below 100"),
        ({"x": [(10, 50)] * 3}, {"y": 0.5}, "similarity"),
    ],
)
def test_mistakes(points: dict, gamma: dict | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        fit(points, gamma)


def random_case(draw: np.random.Generator) -> tuple[dict[str, Law], int, dict[str, int] | None]:
    count = int(draw.integers(2, 12))
    laws = {f"l{i}": Law(draw.uniform(50, 800), draw.uniform(0.1, 0.6), draw.uniform(0.05, 1)) for i in range(count)}
    budget = int(10 ** draw.uniform(4, 7))
    limits = {name: int(budget * draw.uniform(1.05 / count, 1)) for name in laws} if draw.random() < 0.5 else None
    return laws, budget, limits


@pytest.mark.parametrize("seed", range(60))
def test_no_move_of_pairs_from_one_language_to_another_helps(seed: int) -> None:
    draw = np.random.default_rng(seed)
    laws, budget, limits = random_case(draw)
    found = allocate(laws, budget, limits)
    most = {name: (limits or {}).get(name, budget) for name in laws}
    assert sum(found.pairs.values()) == budget and all(0 <= n <= most[name] for name, n in found.pairs.items())
    assert found.score > found.uniform and found.optimal and found.spread < 1e-6

    def mean(pairs: dict[str, int]) -> float:
        return float(np.mean([law.score(pairs[name]) for name, law in laws.items()]))

    best = mean(found.pairs)
    assert best == pytest.approx(found.score, abs=1e-3) == np.mean(list(found.scores.values()))
    for _ in range(50):
        giver, taker = draw.choice(list(laws), 2, replace=False)
        moved = int(min(found.pairs[giver] - 1, most[taker] - found.pairs[taker], draw.integers(1, budget)))
        if moved > 0:
            moved_pairs = {giver: found.pairs[giver] - moved, taker: found.pairs[taker] + moved}
            assert mean(found.pairs | moved_pairs) <= best + 1e-9


def test_the_pairs_add_up_to_the_budget() -> None:
    """A case in which a numerical optimizer stopped 79 pairs short."""
    alpha, beta = [75, 1873, 24, 952, 22, 32, 89, 44], [0.47, 0.37, 0.6, 0.47, 0.83, 0.36, 0.86, 0.32]
    limits = [6107859, 28654669, 6786688, 32710, 19175855, 10060338, 28900338, 828884]
    laws = {str(i): Law(a, b) for i, (a, b) in enumerate(zip(alpha, beta))}
    found = allocate(laws, 20874681, {str(i): limit for i, limit in enumerate(limits)})
    assert sum(found.pairs.values()) == 20874681 and found.optimal and found.at_limit == ["3", "7"]


def test_papers_budget_has_the_papers_shape() -> None:
    """C = 1.2M over ar el hi tr vi zh: languages farther from English, and so steeper, get more (hi 234k, tr 242k)."""
    gamma = {"ar": 0.45, "el": 0.42, "hi": 0.28, "tr": 0.27, "vi": 0.49, "zh": 0.50}
    laws = {name: Law(260.0, 0.25, value) for name, value in gamma.items()}
    limits = {"ar": 999_800, "el": 620_800, "hi": 231_500, "tr": 477_700, "vi": 1_073_800, "zh": 786_500}
    free, limited = allocate(laws, 1_200_000), allocate(laws, 1_200_000, limits)
    by_pairs, by_gamma = (sorted(d, key=d.__getitem__) for d in (free.pairs, gamma))
    assert by_pairs == by_gamma[::-1]
    assert free.score > free.uniform and sum(free.pairs.values()) == 1_200_000
    assert limited.pairs["hi"] <= limits["hi"]


def test_limits_bind() -> None:
    laws = {"a": Law(300, 0.2), "b": Law(900, 0.2)}
    found = allocate(laws, 1000, {"b": 100})
    assert found.pairs == {"a": 900, "b": 100} and found.at_limit == ["b"] and found.optimal
    with pytest.raises(UserError, match="Lower --budget"):
        allocate(laws, 1000, {"a": 100, "b": 100})
