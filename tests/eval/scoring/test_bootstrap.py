import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from polydistill.eval.scoring.bootstrap import (
    Sampled,
    average_interval,
    compare,
    draws,
    holm,
    interval,
    percentiles,
    replicates,
    wilson,
)
from polydistill.eval.scoring.metrics import Measure, bleu, mean

IDS = [str(i) for i in range(200)]


def test_draws_depend_on_seed_and_ids_alone() -> None:
    first = draws(IDS, 20, 1)
    assert first.sum(1).tolist() == [200.0] * 20
    assert np.array_equal(first, draws(list(IDS), 20, 1))
    assert not np.array_equal(first, draws(IDS, 20, 2))
    assert not np.array_equal(first, draws(IDS[::-1], 20, 1))


@pytest.mark.parametrize(("truth", "count"), [(0.6, 300), (0.97, 120), (0.1, 100)])
def test_intervals_of_shares_cover(truth: float, count: int) -> None:
    generator = np.random.default_rng(0)
    hits = generator.random((1000, count)) < truth
    covered = 0
    for row in hits:
        measure = mean("accuracy", IDS[:count] if count <= 200 else [str(i) for i in range(count)], row.astype(float))
        low, high = interval(measure, np.empty(0), 0.95)
        covered += low <= 100 * truth <= high
    assert covered / len(hits) >= 0.93


def test_intervals_of_means_cover() -> None:
    """F1-like values: many zeros, many ones, something between."""
    generator = np.random.default_rng(1)
    truth = 0.3 * 0 + 0.4 * 1 + 0.3 * 0.5
    covered = 0
    for _ in range(1000):
        kind = generator.choice(3, size=200, p=[0.3, 0.4, 0.3])
        values = np.where(kind == 0, 0.0, np.where(kind == 1, 1.0, generator.random(200)))
        measure = mean("f1", IDS, values)
        low, high = interval(measure, replicates(measure, 500, 0), 0.95)
        covered += low <= 100 * truth <= high
    assert covered / 1000 >= 0.93


def test_intervals_of_macro_averages_over_parallel_questions_cover() -> None:
    """Languages share their questions: difficulty is common to them, so resampling must draw them together."""
    generator = np.random.default_rng(2)
    covered = 0
    for _ in range(400):
        hard = generator.random(200)
        values = [np.clip(hard + 0.2 * generator.standard_normal(200), 0, 1) for _ in range(4)]
        sampled = np.mean([replicates(mean("f1", IDS, row), 400, 0) for row in values], axis=0)
        low, high = percentiles(sampled, 0.95)
        covered += low <= 50 <= high
    assert covered / 400 >= 0.93


def test_intervals_of_paired_differences_cover() -> None:
    generator = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        hard = generator.random(200)
        first, second = (generator.random((2, 200)) < 0.5 * hard + 0.25 + np.array([[0.1], [0.0]])).astype(float)
        found = compare(mean("accuracy", IDS, first), mean("accuracy", IDS, second), 400, 0, 0.95)
        covered += found.low <= 10 <= found.high
    assert covered / 400 >= 0.93


def test_equal_models_are_rarely_told_apart() -> None:
    generator = np.random.default_rng(4)
    rejected = 0
    for _ in range(400):
        first, second = (generator.random((2, 200)) < 0.6).astype(float)
        rejected += compare(mean("accuracy", IDS, first), mean("accuracy", IDS, second), 400, 0, 0.95).p < 0.05
    assert rejected / 400 <= 0.08


def test_compare_counts_wins_and_losses_in_the_metrics_direction() -> None:
    first, second = [1.0, 0.0, 1.0, 0.5], [0.0, 1.0, 0.0, 0.5]
    found = compare(mean("f1", IDS[:4], first), mean("f1", IDS[:4], second), 100, 0, 0.95)
    assert (found.wins, found.losses, found.ties) == (2, 1, 1)
    assert found.difference == pytest.approx(25)
    off = [mean("off_target", IDS[:4], row, higher_is_better=False) for row in (first, second)]
    assert (compare(*off, 100, 0, 0.95).wins, compare(*off, 100, 0, 0.95).losses) == (1, 2)


def test_only_the_same_questions_are_compared() -> None:
    with pytest.raises(ValueError, match="not the same questions"):
        compare(mean("f1", IDS[:2], [1, 1]), mean("f1", IDS[:3], [1, 1, 1]), 100, 0, 0.95)


def test_bleu_is_resampled_as_a_corpus() -> None:
    texts = [f"this is sentence number {i} of a small corpus" for i in range(30)]
    other = [text if i % 2 else text.replace("small", "large") for i, text in enumerate(texts)]
    measure: Measure = bleu(IDS[:30], other, texts, "13a")
    low, high = interval(measure, replicates(measure, 200, 0), 0.95)
    assert low < measure.value < high


def test_wilson_at_the_ends() -> None:
    assert wilson(0, 50, 0.95) == pytest.approx((0, 7.13), abs=0.01)
    assert wilson(1, 50, 0.95) == pytest.approx((92.87, 100), abs=0.01)


@pytest.mark.parametrize(("truth", "count"), [(0.97, 60), (0.99, 250), (0.6, 100)])
def test_intervals_of_averages_cover_near_the_edge(truth: float, count: int) -> None:
    """Three languages that share their questions; a hard question is hard in all of them."""
    generator = np.random.default_rng(1)
    ids, covered, trials = IDS[:0] + [str(i) for i in range(count)], 0, 400
    for trial in range(trials):
        hard = generator.normal(size=count)
        threshold = stats.norm.ppf(truth)
        group = []
        for _ in range(3):
            own = np.sqrt(0.5) * hard + np.sqrt(0.5) * generator.normal(size=count)
            measure = mean("accuracy", ids, (own < threshold).astype(float))
            group.append(Sampled(measure, replicates(measure, 200, trial)))
        low, high = average_interval(group, 0.95)
        covered += low <= 100 * truth <= high
    assert covered / trials >= 0.93


def test_an_average_without_errors_is_not_certain() -> None:
    measure = mean("accuracy", IDS[:60], np.ones(60))
    low, high = average_interval([Sampled(measure, replicates(measure, 100, 0))] * 3, 0.95)
    assert high == 100 and low == pytest.approx(wilson(1, 60, 0.95)[0])


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0] and holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_never_lowers_a_p_and_keeps_their_order(raw: list[float]) -> None:
    corrected = holm(raw)
    assert all(a <= b <= 1 for a, b in zip(raw, corrected))
    assert [corrected[i] for i in np.argsort(raw, kind="stable")] == sorted(corrected)
