"""Which packs make up which optimizer step: a pure function of (lengths, seed, step), the same on every rank."""

import functools
import math
from dataclasses import dataclass

import numpy as np

from trainer.config import Train
from trainer.data import Samples
from trainer.model import Batch, batch
from trainer.objective import Weighing
from trainer.pack import Packs, pack

Pack = tuple[np.ndarray, np.ndarray]
"""Sample numbers, and the weight of an answer token by sample."""


@dataclass(frozen=True, eq=False)
class Plan:
    """The order of training. A step takes `train.packs` packs, the last one of an epoch what is left."""

    samples: Samples
    chosen: np.ndarray  # sample numbers that this plan covers (training or validation)
    train: Train
    weighing: Weighing

    @property
    def subsets(self) -> int:
        """Number of subsets."""
        return len(self.weighing.subset_weights)

    @functools.cached_property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of one epoch; all epochs have as many packs."""
        return math.ceil(len(self._epoch(0)[0]) / self.train.packs)

    @functools.cached_property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.train.steps or math.ceil(self.train.epochs * self.steps_per_epoch)

    @functools.cached_property
    def average(self) -> np.ndarray:
        """N_d of the mixture over the steps of an epoch."""
        subset, answer = self.samples.subset[self.chosen], self.samples.answer[self.chosen]
        return self.weighing.counts(subset, answer) / self.steps_per_epoch

    @functools.cached_property
    def answer_tokens_per_step(self) -> float:
        """Supervised tokens in an average step."""
        return float(self.samples.answer[self.chosen].sum()) / self.steps_per_epoch

    def step(self, step: int) -> list[Pack]:
        """The packs of a step."""
        epoch, inside = divmod(step, self.steps_per_epoch)
        packs, order = self._epoch(epoch)
        chosen = order[inside * self.train.packs :][: self.train.packs]
        return self._weighed([self.chosen[packs[p]] for p in chosen], self.average)

    def everything(self) -> list[Pack]:
        """All samples as packs, weighed as one step."""
        packs, _ = self._epoch(0)
        whole = self.weighing.counts(self.samples.subset[self.chosen], self.samples.answer[self.chosen])
        return self._weighed([self.chosen[packs[p]] for p in range(len(packs))], whole)

    def size(self, numbers: np.ndarray) -> tuple[int, int]:
        """(tokens, answer tokens) of some samples."""
        return int(self.samples.length[numbers].sum()), int(self.samples.answer[numbers].sum())

    def _weighed(self, packs: list[np.ndarray], average: np.ndarray) -> list[Pack]:
        everything = np.concatenate(packs)
        subset, answer = self.samples.subset[everything], self.samples.answer[everything]
        weights = self.weighing.token_weights(subset, answer, average)
        return list(zip(packs, np.split(weights, np.cumsum([len(numbers) for numbers in packs])[:-1])))

    def batch(self, numbers: np.ndarray, weights: np.ndarray) -> Batch:
        """One pack as tensors."""
        tokens = [self.samples.tokens(number) for number in numbers]
        return batch(tokens, self.samples.prompt[numbers], self.samples.subset[numbers], weights)

    @functools.cached_property
    def fill(self) -> float:
        """Share of the packs' room taken by tokens."""
        return float(self.samples.length[self.chosen].sum()) / (len(self._epoch(0)[0]) * self.train.max_tokens)

    @functools.lru_cache(maxsize=2)  # noqa: B019 (a plan lives as long as its process)
    def _epoch(self, epoch: int) -> tuple[Packs, np.ndarray]:
        lengths = self.samples.length[self.chosen]
        packs = pack(lengths, self.train.max_tokens, self.train.window, self.train.seed, epoch)
        # Packs come out by descending length; in that order they would hurt (360-LLaMA-Factory#27).
        return packs, np.random.default_rng([self.train.seed, epoch, 0x6F72]).permutation(len(packs))
