import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.models.batching import out_of_memory, run_batches, token_batches

LENGTHS = st.lists(st.integers(0, 300), max_size=200)


@given(LENGTHS, st.integers(1, 2000))
def test_every_row_once_within_budget_longest_first(lengths, budget):
    lengths = np.array(lengths, dtype=np.int64)
    batches = list(token_batches(lengths, budget))
    rows = np.concatenate([np.array([], dtype=np.int64), *batches])
    assert sorted(rows) == list(range(len(lengths)))
    assert all(len(batch) == 1 or len(batch) * lengths[batch].max() <= budget for batch in batches)
    assert (np.diff(lengths[rows]) <= 0).all()


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 3)), max_size=100), st.integers(1, 500))
def test_groups_never_share_a_batch(rows, budget):
    lengths = np.array([length for length, _ in rows], dtype=np.int64)
    groups = np.array([group for _, group in rows], dtype=np.int64)
    batches = list(token_batches(lengths, budget, groups))
    assert sum(map(len, batches)) == len(rows)
    assert all(len(set(groups[batch])) == 1 for batch in batches)


def test_batches_are_full():
    assert [len(batch) for batch in token_batches(np.full(100, 10), 200)] == [20] * 5


@pytest.mark.parametrize("workers", [1, 3])
def test_out_of_memory_halves_and_stays_halved(workers):
    calls = []

    def run(batch):
        calls.append(len(batch))
        if len(batch) > 10:
            raise RuntimeError("CUDA failed with error out of memory")
        return batch * 2

    results = list(run_batches(run, np.full(200, 8), 8 * 40, workers=workers))
    assert sorted(row for rows, _ in results for row in rows) == list(range(200))
    assert all((result == rows * 2).all() for rows, result in results)
    assert calls.count(40) <= 1 + workers  # not tried again at the size that failed


def test_one_bad_row_costs_only_itself():
    def run(batch):
        if 7 in batch:
            raise ValueError("bad row")
        return batch

    results = list(run_batches(run, np.arange(1, 65), 10_000))
    failed = [rows.tolist() for rows, result in results if isinstance(result, Exception)]
    assert failed == [[7]]
    assert sum(len(rows) for rows, _ in results) == 64


def test_what_counts_as_out_of_memory():
    torch = pytest.importorskip("torch")
    assert out_of_memory(MemoryError()) and out_of_memory(torch.OutOfMemoryError("x"))
    assert out_of_memory(RuntimeError("std::bad_alloc"))
    assert not out_of_memory(RuntimeError("No position encodings are defined for positions >= 1024"))
