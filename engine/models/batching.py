"""Token-budget batches, longest first, halved when memory runs out.

Rows of like length share a batch, so little padding is computed; the longest come first, so that a batch that
does not fit fails at the start of a run and not in its last hour. Both translation and quality estimation use this.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def token_batches(lengths: np.ndarray, budget: int, groups: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Split rows into batches of at most `budget` tokens, padding included, longest rows first.

    Args:
        lengths: tokens per row, integers of shape (rows,).
        budget: rows x longest row of a batch stays within it; a row that is longer than it stands alone.
        groups: integers of shape (rows,); rows of different groups never share a batch. Groups come in
            descending order.

    Yields:
        Row indices. Every row occurs exactly once. Equal lengths keep the order they came in, so the
        batches are a function of the arguments alone.
    """
    lengths = np.asarray(lengths)
    keys = (-lengths,) if groups is None else (-lengths, -np.asarray(groups))
    order = np.lexsort(keys)
    group = np.zeros(len(order), dtype=np.int64) if groups is None else np.asarray(groups)[order]
    start = 0
    while start < len(order):
        fits = max(1, budget // max(1, int(lengths[order[start]])))
        # The end of this group: `group` descends, so search in its negation, which ascends.
        end = int(np.searchsorted(-group, -group[start], side="right"))
        stop = min(start + fits, end)
        yield order[start:stop]
        start = stop


def run_batches(
    run: Callable[[np.ndarray], T],
    lengths: np.ndarray,
    budget: int,
    groups: np.ndarray | None = None,
    workers: int = 1,
) -> Iterator[tuple[np.ndarray, T | Exception]]:
    """Call `run(row indices)` batch by batch (see `token_batches`) and survive what goes wrong.

    A batch that fails is halved until the rows that fail stand alone, so one bad row costs only itself. After an
    out-of-memory the budget stays halved for the batches that follow.

    Args:
        run: does the work of one batch; called from `workers` threads at once.

    Yields:
        (row indices, result), or (one row index, the exception it raised alone). The order is that of the batches.
    """
    lengths = np.asarray(lengths)
    limit = budget  # shrinks; shared by the worker threads, and a lost update costs one more failed try at most

    def attempt(batch: np.ndarray) -> list[tuple[np.ndarray, T | Exception]]:
        nonlocal limit
        tokens = len(batch) * int(lengths[batch].max())
        if tokens <= limit or len(batch) == 1:
            try:
                return [(batch, run(batch))]
            except Exception as error:
                if len(batch) == 1:
                    return [(batch, error)]
                if out_of_memory(error):
                    limit = min(limit, max(1, tokens // 2))
        middle = (len(batch) + 1) // 2
        return attempt(batch[:middle]) + attempt(batch[middle:])

    batches = token_batches(lengths, budget, groups)
    if workers == 1:
        for batch in batches:
            yield from attempt(batch)
        return
    with ThreadPoolExecutor(workers) as pool:
        for results in pool.map(attempt, batches):
            yield from results


def out_of_memory(error: BaseException) -> bool:
    """Whether the error says that memory ran out: Python's, PyTorch's, CUDA's or CTranslate2's way."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return any(
        sign in text for sign in ("out of memory", "bad_alloc", "can't allocate memory", "cublas_status_alloc_failed")
    )
