"""The peers' packing rules in our own words are theirs."""

import numpy as np
import pytest

from benchmarks import packing, peer_trl


@pytest.mark.skipif(not peer_trl.installed(), reason="trl is not installed")
def test_our_words_for_trl_make_as_many_packs_as_trl() -> None:
    lengths = np.clip(np.random.default_rng(0).lognormal(5, 0.8, 3_500).astype(np.int64), 1, packing.LIMIT)
    rows = peer_trl.dataset([(np.zeros(length, dtype=np.int32), 1) for length in lengths])
    assert packing.trl(lengths) == peer_trl.packs(rows, packing.LIMIT)


def test_rules_on_a_small_case() -> None:
    lengths = np.array([2000, 1500, 500, 48, 48])
    # Best fit: 2000 + 48, 1500 + 500 + 48. The largest that fits makes the same packs.
    assert packing.trl(lengths) == packing.factory(lengths) == 2
    assert packing.trl(np.array([1100, 1000, 1000])) == 2 and packing.factory(np.array([2048] * 3)) == 3
