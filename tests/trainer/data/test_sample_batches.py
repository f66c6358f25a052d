"""Steps of so many samples."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from polydistill.trainer.data.sample_batches import sample_batches


@given(st.lists(st.integers(1, 50), max_size=80), st.integers(1, 20), st.integers(0, 5))
def test_every_sample_is_in_one_step_of_so_many(lengths: list[int], size: int, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(lengths))
    packs, steps = sample_batches(np.array(lengths, np.int64), order, size, 64)
    assert sorted(packs.order.tolist()) == list(range(len(lengths)))
    assert np.concatenate([*steps, np.zeros(0, np.int64)]).tolist() == list(range(len(packs)))
    samples = [sorted(int(i) for pack in step for i in packs[pack]) for step in steps]
    assert samples == [sorted(order[start : start + size].tolist()) for start in range(0, len(order), size)]
    assert all(sum(lengths[i] for i in packs[pack]) <= 64 for pack in range(len(packs)))
