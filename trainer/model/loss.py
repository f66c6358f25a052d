"""Cross-entropy by token, in little memory."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint


def token_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy by token, float32 of shape (tokens,), from logits (tokens, vocabulary) and labels (tokens,)."""
    losses: torch.Tensor = _CrossEntropy.apply(logits, labels)
    return losses


class _CrossEntropy(torch.autograd.Function):
    """F.cross_entropy whose gradient, softmax less one at the label, is made in the memory of the probabilities.

    Logits are the largest tensor of all; torch's own writes three more of that size, in float32.
    """

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        chances = F.log_softmax(logits, dim=-1, dtype=torch.float32)
        ctx.save_for_backward(chances, labels)
        ctx.dtype = logits.dtype
        return -chances.gather(1, labels[:, None])[:, 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        chances, labels = ctx.saved_tensors
        chances.exp_()
        chances[torch.arange(len(labels), device=labels.device), labels] -= 1
        return chances.mul_(gradient[:, None]).to(ctx.dtype), None


def chunked_losses(head: nn.Module, hidden: torch.Tensor, labels: torch.Tensor, rows: int) -> torch.Tensor:
    """Cross-entropy by token with the logits of at most `rows` tokens in memory: they are recomputed backwards.

    Args:
        head: the output embeddings, (tokens, hidden) -> (tokens, vocabulary).
        hidden: states of shape (tokens, hidden); labels: int64 of shape (tokens,).
    """

    def losses(states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return token_losses(head(states), targets)

    rows = max(rows, 1)
    pieces = zip(hidden.split(rows), labels.split(rows))
    return torch.cat([checkpoint(losses, states, targets, use_reentrant=False) for states, targets in pieces])
