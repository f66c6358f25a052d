import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.seeds import row_bits, uniform

IDS = [f"{i * 0x9E3779B97F4A7C15 % 2**64:016x}" for i in range(20_000)]


def test_draws_are_known_numbers():
    # Pools and mixtures made earlier must be reproduced: these values may never change.
    draws = uniform(7, ["0123456789abcdef", "ffffffffffffffff"], "coin")
    assert draws.tolist() == [0.43843777990325294, 0.48760156451785863]


@given(
    seed=st.integers(0, 2**40),
    rows=st.lists(st.sampled_from(IDS), min_size=1, max_size=30),
    purpose=st.text(max_size=9),
)
def test_a_row_can_be_drawn_alone(seed, rows, purpose):
    together = uniform(seed, rows, purpose)
    assert together.tolist() == [uniform(seed, [row], purpose)[0] for row in rows]
    assert together.tolist() == uniform(seed, row_bits(rows), purpose).tolist()
    assert ((together >= 0) & (together < 1)).all()


def test_draws_are_uniform_and_independent():
    draws = {
        (seed, purpose): uniform(seed, IDS, purpose) for seed in (0, 1) for purpose in ("coin", "switch:1", "switch:2")
    }
    for values in draws.values():
        counts = np.histogram(values, 20, (0, 1))[0]
        # Chi-square with 19 degrees of freedom: 43.8 is passed by chance once in a thousand times.
        assert ((counts - 1000) ** 2 / 1000).sum() < 43.8
    correlation = np.corrcoef(np.stack(list(draws.values())))
    assert np.abs(correlation - np.eye(len(draws))).max() < 4 / np.sqrt(len(IDS))


def test_similar_ids_draw_differently():
    near = uniform(0, [f"{i:016x}" for i in range(1000)], "coin")
    assert len(np.unique(near)) == 1000 and 0.45 < near.mean() < 0.55
