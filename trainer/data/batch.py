"""One pack of samples as tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Batch:
    """One pack as tensors. Samples stand one behind the other, the longest first."""

    tokens: torch.Tensor  # int64 (1, tokens)
    positions: torch.Tensor  # int64 (1, tokens); starts again at 0 in each sample
    bounds: list[int]  # first token of each sample, and the number of tokens
    ends: torch.Tensor  # the same as int32 (samples + 1,)
    predict: torch.Tensor  # int64 (answer tokens,): where the next token is learnt
    labels: torch.Tensor  # int64 (answer tokens,): that token
    weights: torch.Tensor  # float32 (answer tokens,): its weight in the objective
    subsets: torch.Tensor  # int64 (answer tokens,): the subset it belongs to

    def to(self, device: torch.device) -> "Batch":
        """The same on `device`."""
        moved = {k: v.to(device, non_blocking=True) if torch.is_tensor(v) else v for k, v in vars(self).items()}
        return Batch(**moved)

    def pinned(self) -> "Batch":
        """The same in memory that a GPU reads while the CPU goes on."""
        return Batch(**{k: v.pin_memory() if torch.is_tensor(v) else v for k, v in vars(self).items()})


def batch(
    tokens: list[np.ndarray],
    prompts: np.ndarray,
    subsets: np.ndarray,
    weights: np.ndarray,
    gaps: Sequence[tuple[int, int, int]] = (),
) -> Batch:
    """Lay samples out as one pack.

        tokens   p p p a a e | p a e        p: prompt, a: answer, e: end of turn
        predict      ^ ^ ^     ^ ^          labels are the tokens behind these

    Args:
        tokens: the samples' tokens.
        prompts: how many of them are the prompt, at least 1; only what follows is learned.
        subsets: subset number of each sample.
        weights: weight of each answer token, by sample.
        gaps: (sample, first token, last + 1) of what is not learned behind the prompt, e.g. the user's next turn.
    """
    lengths = np.array([len(sample) for sample in tokens])
    starts = np.cumsum(lengths) - lengths
    answers = lengths - prompts
    flat = np.concatenate(tokens).astype(np.int64)
    # Token j of an answer is predicted at the position before it; a sample's first token never is.
    ends = np.repeat(np.cumsum(answers), answers)
    labels = np.repeat(starts + lengths, answers) - (ends - np.arange(answers.sum()))
    owner = np.repeat(np.arange(len(tokens)), answers)
    if gaps:
        learned = np.ones(len(flat), dtype=bool)
        for sample, first, last in gaps:
            learned[starts[sample] + first : starts[sample] + last] = False
        labels, owner = labels[learned[labels]], owner[learned[labels]]
    bounds = [*starts.tolist(), len(flat)]
    return Batch(
        tokens=torch.from_numpy(flat)[None],
        positions=torch.from_numpy(np.arange(len(flat)) - np.repeat(starts, lengths))[None],
        bounds=bounds,
        ends=torch.tensor(bounds, dtype=torch.int32),
        predict=torch.from_numpy(labels - 1),
        labels=torch.from_numpy(flat[labels]),
        weights=torch.from_numpy(weights[owner].astype(np.float32)),
        subsets=torch.from_numpy(subsets[owner].astype(np.int64)),
    )
