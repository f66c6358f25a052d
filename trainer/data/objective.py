"""The objective as one weight for each answer token, known before the forward pass.

    subset_mean (SDRRL, arXiv 2402.12204, Eq. 6):  L = sum_d w_d (1 / N_d) sum_{i in d} mean_{t in i} CE_t / sum_d w_d
    token_mean:   every answer token of the step weighs the same
    sample_mean:  every sample of the step weighs the same, its CE averaged over its answer tokens

N_d counts subset d's samples with CE averaged inside each (SDRRL's Eq. 6), or its answer tokens. A sample's own
weight, where the mixture gives one, counts it as that many samples. N_d is counted over the
whole mixture (then the steps' losses average to exactly L over an epoch) or over the optimizer step (then a
subset that is absent from a step drops out of it). Every rank knows the plan of the whole step, so denominators
are global without any communication, whatever the packing, the accumulation and the number of ranks.

The sum over subsets is divided by the sum of their weights: that scales the loss by a constant, so that clipping and
the printed loss mean the same for one subset and for six.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Objective = Literal["subset_mean", "token_mean", "sample_mean"]


@dataclass(frozen=True)
class Weighing:
    """How samples are weighed."""

    objective: Objective
    mean_over: Literal["token", "sample"]
    denominator: Literal["epoch", "step"]
    subset_weights: np.ndarray  # w_d, float64 of shape (subsets,)

    def counts(self, subset: np.ndarray, answer: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """N_d of some samples, shape (subsets,): their weights, times their answer tokens where tokens are counted."""
        counted = weight if self.mean_over == "sample" else weight * answer
        return np.bincount(subset, weights=counted, minlength=len(self.subset_weights))

    def token_weights(
        self, subset: np.ndarray, answer: np.ndarray, weight: np.ndarray, average: np.ndarray
    ) -> np.ndarray:
        """The weight of each answer token, by sample, for the samples of one optimizer step.

        Args:
            subset: their subset numbers, shape (samples,).
            answer: their answer tokens, shape (samples,).
            weight: their own weights, usually 1, shape (samples,).
            average: N_d of the mixture divided by the steps of an epoch, shape (subsets,).

        Returns:
            float64 of shape (samples,). The step's loss is the sum over answer tokens of weight * CE.
        """
        if self.objective == "token_mean":
            return weight / max((weight * answer).sum(), 1e-9)
        inside = weight / np.maximum(answer, 1)
        if self.objective == "sample_mean":
            return inside / weight.sum()
        sizes = average if self.denominator == "epoch" else self.counts(subset, answer, weight)
        share = self.subset_weights / self.subset_weights.sum()
        weights = share[subset] / sizes[subset]
        return weights * (inside if self.mean_over == "sample" else weight)
