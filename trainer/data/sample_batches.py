"""Optimizer steps of a number of samples, as most papers count their batches, each step packed by itself."""

import numpy as np

from polydistill.trainer.data.packing import Packs, pack


def sample_batches(lengths: np.ndarray, order: np.ndarray, size: int, limit: int) -> tuple[Packs, list[np.ndarray]]:
    """Cut samples into steps of `size` and pack each step.

    Args:
        lengths: tokens of each sample, 1..limit.
        order: a permutation of the samples; the last step gets what is left.
        size: samples in one step.
        limit: tokens in one pack.

    Returns:
        All packs, and the numbers of the packs of each step.
    """
    orders, ends = [np.zeros(0, np.int64)], [np.zeros(1, np.int64)]
    steps: list[np.ndarray] = []
    packs = 0
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        made = pack(lengths[chosen], limit)
        steps.append(np.arange(packs, packs + len(made)))
        packs += len(made)
        orders.append(chosen[made.order])
        ends.append(ends[-1][-1] + made.bounds[1:])
    return Packs(np.concatenate(orders), np.concatenate(ends)), steps
