"""Packing: the exact best-fit-decreasing rule, at any limit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.trainer.data.packing import _best_fit, fill, pack


def slowly(lengths: list[int], limit: int) -> list[int]:
    """Best-fit decreasing as it is defined: the room left in each pack, sorted."""
    rooms: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [room for room in rooms if room >= length]
        if fitting:
            rooms.remove(min(fitting))
            rooms.append(min(fitting) - length)
        else:
            rooms.append(limit - length)
    return sorted(rooms)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 300), st.data())
def test_never_more_packs_than_best_fit_decreasing(limit: int, data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, limit), max_size=60))
    packs = pack(np.array(lengths, dtype=np.int64), limit)
    assert sorted(packs.order.tolist()) == list(range(len(lengths)))
    rooms = [limit - sum(lengths[i] for i in packs[p]) for p in range(len(packs))]
    assert all(room >= 0 for room in rooms)
    assert len(packs) <= len(slowly(lengths, limit))
    found, ends = _best_fit(np.array(lengths, dtype=np.int64), limit)
    sums = [sum(lengths[i] for i in part) for part in np.split(found, ends[:-1])] if lengths else []
    assert sorted(limit - total for total in sums) == slowly(lengths, limit)
    for p in range(len(packs)):
        inside = [lengths[i] for i in packs[p]]
        assert inside == sorted(inside, reverse=True)


@pytest.mark.parametrize("limit", [63, 64, 65, 127, 129, 1000, 8191, 8192, 8193])
def test_limits_beside_powers_of_two(limit: int) -> None:
    """A pair that fills a pack exactly is always found (TRL's issue 3887: at 8,193 nothing was packed)."""
    draw = np.random.default_rng(limit)
    large = draw.integers(limit // 2 + 1, limit, 50)
    lengths = np.concatenate([large, limit - large])
    packs = pack(lengths, limit)
    assert len(packs) == 50 and fill(packs, lengths, limit) == 1.0


def test_gaps_are_closed() -> None:
    """Many short samples of similar length: best-fit decreasing leaves a gap in every pack of them."""
    lengths = np.random.default_rng(0).integers(45, 90, 8_000)
    _, ends = _best_fit(lengths, 2048)
    packs = pack(lengths, 2048)
    assert fill(packs, lengths, 2048) > 0.998 > lengths.sum() / (len(ends) * 2048)


def test_windows_epochs_and_seeds() -> None:
    lengths = np.random.default_rng(0).integers(1, 200, 5_000)
    whole, windows = pack(lengths, 256), pack(lengths, 256, window=1_000)
    assert len(whole) <= len(windows)
    for p in range(len(windows)):
        assert len({int(i) // 1_000 for i in windows[p]}) == 1
    again, other, epoch = pack(lengths, 256), pack(lengths, 256, seed=1), pack(lengths, 256, epoch=1)
    assert np.array_equal(whole.order, again.order)
    for changed in (other, epoch):
        assert not np.array_equal(whole.order, changed.order)
        assert sorted(changed.order.tolist()) == list(range(5_000))
    assert np.array_equal(epoch.bounds, whole.bounds)
    assert np.array_equal(lengths[epoch.order], lengths[whole.order])


def test_impossible_lengths_are_refused() -> None:
    for lengths in ([0, 3], [5, 11]):
        with pytest.raises(ValueError, match="lengths must be within"):
            pack(np.array(lengths), 10)
    assert len(pack(np.array([], dtype=np.int64), 10)) == 0
