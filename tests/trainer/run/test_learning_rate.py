import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.trainer.run.learning_rate import automatic, factor


def test_automatic_rate_is_openchats() -> None:
    assert automatic(4e6) == 3e-4
    assert automatic(1e6) == 1.5e-4


@given(st.integers(1, 500), st.sampled_from(["cosine", "linear", "constant"]), st.floats(0, 0.99))
def test_rises_then_falls(steps: int, schedule: str, warmup: float) -> None:
    rates = [factor(step, steps, schedule, warmup) for step in range(steps)]
    rising = round(steps * warmup)
    assert all(0 <= rate <= 1 for rate in rates)
    assert rates[:rising] == sorted(rates[:rising])
    assert rates[rising:] == sorted(rates[rising:], reverse=True)
    if rising < steps:
        assert rates[rising] == 1.0


def test_halfway() -> None:
    assert abs(factor(50, 100, "cosine", 0.0) - 0.5) < 1e-12
    assert factor(50, 100, "linear", 0.0) == 0.5
    assert factor(99, 100, "constant", 0.1) == 1.0


def test_adapters_learn_at_ten_times_the_rate() -> None:
    assert automatic(20_000, adapters=True) == 10 * automatic(20_000) == pytest.approx(2.1e-4, rel=0.02)
