"""One pack of samples as tensors."""

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Batch:
    """One pack as tensors. Samples stand one behind the other, the longest first."""

    tokens: torch.Tensor  # int64 (1, tokens)
    positions: torch.Tensor  # int64 (1, tokens); starts again at 0 in each sample
    bounds: list[int]  # first token of each sample, and the number of tokens
    predict: torch.Tensor  # int64 (answer tokens,): where the next token is learnt
    labels: torch.Tensor  # int64 (answer tokens,): that token
    weights: torch.Tensor  # float32 (answer tokens,): its weight in the objective
    subsets: torch.Tensor  # int64 (answer tokens,): the subset it belongs to

    def to(self, device: torch.device) -> "Batch":
        """The same on `device`."""
        moved = {k: v.to(device, non_blocking=True) if torch.is_tensor(v) else v for k, v in vars(self).items()}
        return Batch(**moved)


def batch(tokens: list[np.ndarray], prompts: np.ndarray, subsets: np.ndarray, weights: np.ndarray) -> Batch:
    """Lay samples out as one pack.

    Args:
        tokens: the samples' tokens.
        prompts: how many of them are the prompt, at least 1; only what follows is learnt.
        subsets: subset number of each sample.
        weights: weight of each answer token, by sample.
    """
    lengths = np.array([len(sample) for sample in tokens])
    starts = np.cumsum(lengths) - lengths
    answers = lengths - prompts
    flat = np.concatenate(tokens).astype(np.int64)
    # Token j of an answer is predicted at the position before it; a sample's first token never is.
    ends = np.repeat(np.cumsum(answers), answers)
    labels = np.repeat(starts + lengths, answers) - (ends - np.arange(answers.sum()))
    return Batch(
        tokens=torch.from_numpy(flat)[None],
        positions=torch.from_numpy(np.arange(len(flat)) - np.repeat(starts, lengths))[None],
        bounds=[*starts.tolist(), len(flat)],
        predict=torch.from_numpy(labels - 1),
        labels=torch.from_numpy(flat[labels]),
        weights=torch.from_numpy(np.repeat(weights, answers).astype(np.float32)),
        subsets=torch.from_numpy(np.repeat(subsets, answers).astype(np.int64)),
    )
