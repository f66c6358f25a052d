"""One rank's gradient passes, each laid out by a thread while the one before it is trained."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from polydistill.trainer.data.batch import Batch
from polydistill.trainer.data.step_plan import Pack, Plan


@dataclass(frozen=True)
class Pass:
    """What one rank takes through the model at once: one pack, or several behind each other."""

    batch: Batch  # in the CPU's memory, pinned where it is to go to a GPU
    numbers: np.ndarray  # its samples
    slot: int  # number of its first pack in the step
    empty: bool  # a stand-in without weight, for a rank that has no pack in this round
    last: bool  # of the step


@dataclass
class Feed:
    """The passes of rank `rank` of `ranks`."""

    plan: Plan
    rank: int = 0
    ranks: int = 1
    pinned: bool = False
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _ahead: dict[tuple[int, int], "Future[Pass]"] = field(default_factory=dict)

    @property
    def rounds(self) -> int:
        """Passes of each rank in one step. DeepSpeed wants as many in every step."""
        return passes(self.plan, self.ranks)

    def step(self, step: int) -> Iterator[Pass]:
        """The passes of optimizer step `step`."""
        for round_ in range(self.rounds):
            key = (step, round_)
            made = self._ahead.pop(key, None) or self._thread.submit(self._make, *key)
            following = (step, round_ + 1) if round_ + 1 < self.rounds else (step + 1, 0)
            self._ahead = {}
            if following[0] < self.plan.steps:
                self._ahead[following] = self._thread.submit(self._make, *following)
            yield made.result()

    def _make(self, step: int, round_: int) -> Pass:
        packs, at_once = self.plan.step(step), self.plan.packs_at_once
        slot = (round_ * self.ranks + self.rank) * at_once
        mine = packs[slot : slot + at_once]
        numbers, weights = joined(self.plan, mine) if mine else nothing(packs)
        batch = self.plan.batch(numbers, weights)
        batch = batch.pinned() if self.pinned else batch
        return Pass(batch, numbers, slot, not mine, round_ + 1 == self.rounds)


def passes(plan: Plan, ranks: int) -> int:
    """Gradient passes that each of `ranks` takes in a step."""
    return -(-plan.packs_per_step // (ranks * plan.packs_at_once))


def joined(plan: Plan, packs: list[Pack]) -> Pack:
    """Several packs as one, the longest samples first."""
    if len(packs) == 1:
        return packs[0]
    numbers = np.concatenate([numbers for numbers, _ in packs])
    weights = np.concatenate([weights for _, weights in packs])
    order = np.argsort(-plan.samples.length[numbers], kind="stable")
    return numbers[order], weights[order]


def nothing(packs: list[Pack]) -> Pack:
    """The step's shortest first sample without any weight, for a rank that has no pack in this round."""
    return packs[0][0][-1:], np.zeros(1)
