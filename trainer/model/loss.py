"""Cross-entropy by token, in little memory.

Logits are the largest tensor of all: one number for each answer token and each word of the vocabulary. Two functions
here never hold all of them. `head_loss` knows each token's weight, so that it makes the gradients in the forward
pass and nothing is computed twice. `chunked_losses` works with any head, and recomputes the logits backwards.
"""

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
    """F.cross_entropy with its gradient (softmax less one at the label) in the memory of the probabilities.

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


def head_loss(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    labels: torch.Tensor,
    weights: torch.Tensor,
    rows: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The weighted cross-entropy of a linear head, with the logits of at most `rows` tokens in memory.

    Args:
        hidden: states, (tokens, hidden).
        weight: the head's matrix, (vocabulary, hidden); `bias`: (vocabulary,) or None.
        labels: int64 (tokens,).
        weights: each token's weight in the objective, float32 (tokens,).

    Returns:
        The sum of weight * CE, a float32 scalar with a gradient, and CE by token, float32 (tokens,) without one.
    """
    total, losses = _HeadLoss.apply(hidden, weight, bias, labels, weights, rows)
    return total, losses


class _HeadLoss(torch.autograd.Function):
    """Gradients are summed up over the pieces in float32, and scaled backwards by the objective's own gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        labels: torch.Tensor,
        weights: torch.Tensor,
        rows: int,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        wanted = ctx.needs_input_grad[:3]
        to_hidden = torch.empty_like(hidden) if wanted[0] else None
        to_weight = torch.zeros(weight.shape, dtype=torch.float32, device=weight.device) if wanted[1] else None
        to_bias = torch.zeros(len(weight), dtype=torch.float32, device=weight.device) if wanted[2] else None
        losses = torch.empty(len(labels), dtype=torch.float32, device=hidden.device)
        for start in range(0, len(labels), rows):
            part = slice(start, start + rows)
            chances = F.log_softmax(F.linear(hidden[part], weight, bias), dim=-1, dtype=torch.float32)
            losses[part] = -chances.gather(1, labels[part, None])[:, 0]
            if not any(wanted):
                continue
            chances.exp_()
            chances[torch.arange(len(chances), device=hidden.device), labels[part]] -= 1
            gradient = chances.mul_(weights[part, None]).to(hidden.dtype)
            if to_hidden is not None:
                to_hidden[part] = gradient @ weight
            if to_weight is not None:
                to_weight += gradient.T @ hidden[part]
            if to_bias is not None:
                to_bias += gradient.sum(0)
        ctx.save_for_backward(*(tensor for tensor in (to_hidden, to_weight, to_bias) if tensor is not None))
        ctx.wanted, ctx.dtype = wanted, weight.dtype
        ctx.mark_non_differentiable(losses)
        return (losses * weights).sum(), losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor, _: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        saved = iter(ctx.saved_tensors)
        to_hidden, to_weight, to_bias = (next(saved) if wanted else None for wanted in ctx.wanted)
        return (
            None if to_hidden is None else to_hidden * gradient.to(to_hidden.dtype),
            None if to_weight is None else to_weight.mul_(gradient).to(ctx.dtype),
            None if to_bias is None else to_bias.mul_(gradient).to(ctx.dtype),
            None,
            None,
            None,
        )
