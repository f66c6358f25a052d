"""Which packs make up which optimizer step: a pure function of (lengths, seed, step), the same on every rank."""

import functools
import math
from dataclasses import dataclass

import numpy as np

from polydistill.trainer.config import Train
from polydistill.trainer.data.batch import Batch, batch
from polydistill.trainer.data.objective import Weighing
from polydistill.trainer.data.packing import Packs, pack
from polydistill.trainer.data.sample_batches import sample_batches
from polydistill.trainer.data.samples import Samples
from polydistill.trainer.data.whole_prompts import whole_prompts

Pack = tuple[np.ndarray, np.ndarray]
"""Sample numbers, and the weight of an answer token by sample."""


@dataclass(frozen=True, eq=False)
class Plan:
    """The order of training. A step takes `train.packs` packs, or `train.batch_samples` samples. The last step of an
    epoch takes what is left.

    With `same_step` a step takes prompts with all their samples, which fill at most `packs` packs
    (`trainer.data.whole_prompts`).
    """

    samples: Samples
    chosen: np.ndarray  # sample numbers that this plan covers (training or validation)
    train: Train
    weighing: Weighing
    same_step: bool = False

    @property
    def subsets(self) -> int:
        """Number of subsets."""
        return len(self.weighing.subset_weights)

    @functools.cached_property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of one epoch; all epochs have as many."""
        return len(self._epoch(0)[1])

    @functools.cached_property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.train.steps or math.ceil(self.train.epochs * self.steps_per_epoch)

    def check(self) -> None:
        """Lay the first epoch out, so that data that cannot be is found before the model is loaded.

        Raises:
            UserError: a prompt with all its samples is too large for a step (`same_step`).
        """
        self._epoch(0)

    @functools.cached_property
    def average(self) -> np.ndarray:
        """N_d of the mixture over the steps of an epoch."""
        return self._counted / self.steps_per_epoch

    @property
    def _counted(self) -> np.ndarray:
        samples, chosen = self.samples, self.chosen
        return self.weighing.counts(samples.subset[chosen], samples.answer[chosen], samples.weight[chosen])

    @property
    def packs_at_once(self) -> int:
        """Packs that go through the model in one gradient pass."""
        return max(1, (self.train.pass_tokens or 0) // self.train.max_tokens)

    @functools.cached_property
    def packs_per_step(self) -> int:
        """Packs of the largest step of the run."""
        if self.train.batch_samples is None:
            return self.train.packs
        epochs = range(math.ceil(self.steps / self.steps_per_epoch))
        return max(len(packs) for epoch in epochs for packs in self._epoch(epoch)[1])

    def answer_tokens_by_subset(self, numbers: np.ndarray) -> np.ndarray:
        """Answer tokens of some samples: float64 of shape (subsets,)."""
        return np.bincount(self.samples.subset[numbers], self.samples.answer[numbers], minlength=self.subsets)

    @functools.cached_property
    def answer_tokens_per_step(self) -> float:
        """Supervised tokens in an average step."""
        return float(self.samples.answer[self.chosen].sum()) / self.steps_per_epoch

    @functools.lru_cache(maxsize=4)  # noqa: B019 (a plan lives as long as its process)
    def step(self, step: int) -> list[Pack]:
        """The packs of a step."""
        epoch, inside = divmod(step, self.steps_per_epoch)
        packs, steps = self._epoch(epoch)
        return self._weighed([self.chosen[packs[p]] for p in steps[inside]], self.average)

    def everything(self) -> list[Pack]:
        """All samples as packs, weighed as one step."""
        packs, _ = self._epoch(0)
        return self._weighed([self.chosen[packs[p]] for p in range(len(packs))], self._counted)

    def size(self, numbers: np.ndarray) -> tuple[int, int]:
        """(tokens, answer tokens) of some samples."""
        return int(self.samples.length[numbers].sum()), int(self.samples.answer[numbers].sum())

    def _weighed(self, packs: list[np.ndarray], average: np.ndarray) -> list[Pack]:
        everything = np.concatenate(packs)
        samples = self.samples
        weights = self.weighing.token_weights(
            samples.subset[everything], samples.answer[everything], samples.weight[everything], average
        )
        return list(zip(packs, np.split(weights, np.cumsum([len(numbers) for numbers in packs])[:-1])))

    def batch(self, numbers: np.ndarray, weights: np.ndarray) -> Batch:
        """One pack as tensors."""
        tokens = [self.samples.tokens(number) for number in numbers]
        gaps = self.samples.gaps_of(numbers)
        return batch(tokens, self.samples.prompt[numbers], self.samples.subset[numbers], weights, gaps)

    @functools.cached_property
    def fill(self) -> float:
        """Share of the packs' room taken by tokens."""
        return float(self.samples.length[self.chosen].sum()) / (len(self._epoch(0)[0]) * self.train.max_tokens)

    @functools.lru_cache(maxsize=2)  # noqa: B019 (a plan lives as long as its process)
    def _epoch(self, epoch: int) -> tuple[Packs, list[np.ndarray]]:
        """The packs, and those of each step."""
        draw = np.random.default_rng([self.train.seed, epoch, 0x6F72])
        if self.same_step:  # every epoch has the same steps in another order
            packs, bounds = self._whole_prompts
            return packs, [np.arange(bounds[i], bounds[i + 1]) for i in draw.permutation(len(bounds) - 1)]
        lengths = self.samples.length[self.chosen]
        if self.train.batch_samples is not None:
            size = self.train.batch_samples
            return sample_batches(lengths, draw.permutation(len(lengths)), size, self.train.max_tokens)
        packs = pack(lengths, self.train.max_tokens, self.train.window, self.train.seed, epoch)
        # Packs come out by descending length; in that order they would hurt (360-LLaMA-Factory#27).
        order, size = draw.permutation(len(packs)), self.train.packs
        return packs, [order[start : start + size] for start in range(0, len(packs), size)]

    @functools.cached_property
    def _whole_prompts(self) -> tuple[Packs, np.ndarray]:
        lengths, prompts = self.samples.length[self.chosen], self.samples.rows()[self.chosen]
        return whole_prompts(lengths, prompts, self.train.max_tokens, self.train.packs, self.train.seed)
