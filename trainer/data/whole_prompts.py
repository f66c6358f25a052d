"""Optimizer steps that keep prompts whole: all samples of a prompt, in whatever languages, lie in one step.

SDRRL's variants of a question belong "within the same batch". A step is then no longer any `packs` packs: prompts are
packed into steps by their tokens, as samples are packed into packs, and each step's samples into packs of their own.
"""

import numpy as np

from polydistill.engine.errors import UserError
from polydistill.trainer.data.packing import Packs, pack

ROOM = 0.99
"""Share of a step that is filled with prompts, so that their samples nearly always fit into its packs."""


def whole_prompts(
    lengths: np.ndarray, prompt: np.ndarray, limit: int, packs: int, seed: int = 0
) -> tuple[Packs, np.ndarray]:
    """Pack samples of `lengths` so that all of one `prompt` (any numbers) lie in one step of at most `packs` packs.

    Returns:
        The packs, and where each step's begin among them: int64 of shape (steps + 1,).

    Raises:
        UserError: the samples of one prompt do not fit into one step.
    """
    _, group = np.unique(prompt, return_inverse=True)
    by_group = np.argsort(group, kind="stable")
    first = np.searchsorted(group[by_group], np.arange(group.max(initial=-1) + 2))
    room = max(1, int(limit * packs * ROOM))
    totals = np.minimum(np.bincount(group, weights=lengths).astype(np.int64), room)
    orders, ends, steps = [np.zeros(0, np.int64)], [np.zeros(1, np.int64)], [0]
    waiting = np.arange(len(totals))
    while len(waiting):
        left = []
        bins = pack(totals[waiting], room, seed=seed)
        for number in range(len(bins)):
            members = waiting[bins[number]]  # largest first
            while True:
                samples = np.concatenate([by_group[first[g] : first[g + 1]] for g in members])
                made = pack(lengths[samples], limit, seed=seed)
                if len(made) <= packs:
                    break
                if len(members) == 1:
                    raise UserError(
                        f"same_step: the {len(samples)} samples of one prompt ({lengths[samples].sum()} tokens) need "
                        f"{len(made)} packs of {limit} tokens, and a step has {packs}. Raise train.packs or "
                        "train.max_tokens, or mix without same_step"
                    )
                left.append(members[-1])  # the smallest one tries again in the next round
                members = members[:-1]
            orders.append(samples[made.order])
            ends.append(ends[-1][-1] + made.bounds[1:])
            steps.append(steps[-1] + len(made))
        waiting = np.array(left, np.int64)
    return Packs(np.concatenate(orders), np.concatenate(ends)), np.array(steps)
