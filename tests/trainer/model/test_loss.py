"""Losses in pieces equal torch's cross-entropy, with their gradients."""

import pytest
import torch
import torch.nn.functional as F

from polydistill.trainer.model.loss import chunked_losses, head_loss, token_losses

TOKENS, HIDDEN, VOCABULARY = 37, 16, 101


def tensors(bias: bool) -> tuple[torch.nn.Linear, torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    head = torch.nn.Linear(HIDDEN, VOCABULARY, bias=bias)
    hidden = torch.randn(TOKENS, HIDDEN, requires_grad=True)
    return head, hidden, torch.randint(0, VOCABULARY, (TOKENS,)), torch.rand(TOKENS)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rows", [1, 8, 100])
def test_head_loss(rows: int, bias: bool) -> None:
    head, hidden, labels, weights = tensors(bias)
    whole = F.cross_entropy(head(hidden), labels, reduction="none")
    trained = [hidden, *head.parameters()]
    wanted = torch.autograd.grad(3 * (whole * weights).sum(), trained)
    total, losses = head_loss(hidden, head.weight, head.bias, labels, weights, rows)
    assert torch.allclose(losses, whole, atol=1e-6) and not losses.requires_grad
    for ours, theirs in zip(torch.autograd.grad(3 * total, trained), wanted):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_a_frozen_head_gets_no_gradient() -> None:
    head, hidden, labels, weights = tensors(True)
    head.requires_grad_(False)
    total, _ = head_loss(hidden, head.weight, head.bias, labels, weights, 8)
    total.backward()
    assert head.weight.grad is None and hidden.grad is not None
    with torch.no_grad():
        assert torch.allclose(head_loss(hidden, head.weight, head.bias, labels, weights, 8)[0], total)


def test_half_precision_adds_up_in_full() -> None:
    """The head's gradient over many pieces is about as near to float32's as over one."""
    head, hidden, labels, weights = tensors(False)
    exact = torch.autograd.grad((F.cross_entropy(head(hidden), labels, reduction="none") * weights).sum(), head.weight)
    half, states = head.weight.detach().bfloat16().requires_grad_(), hidden.detach().bfloat16()
    errors = []
    for rows in (1, TOKENS):
        (found,) = torch.autograd.grad(head_loss(states, half, None, labels, weights, rows)[0], half)
        errors.append(float((found.float() - exact[0]).norm() / exact[0].norm()))
    assert errors[0] < 1.2 * errors[1] < 0.02


@pytest.mark.parametrize("rows", [1, 8, 100])
def test_chunked_losses(rows: int) -> None:
    head, hidden, labels, _ = tensors(False)
    whole, pieces = token_losses(head(hidden), labels), chunked_losses(head, hidden, labels, rows)
    assert torch.allclose(whole, pieces, atol=1e-6)
    for ours, theirs in zip(*(torch.autograd.grad(found.sum(), [hidden, head.weight]) for found in (whole, pieces))):
        assert torch.allclose(ours, theirs, atol=1e-5)
