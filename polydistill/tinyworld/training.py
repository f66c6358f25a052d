"""The one training loop of the tiny models, and the batches it eats."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import torch

from polydistill.engine.progress import Progress

T = TypeVar("T")


def batches(draw: Callable[[random.Random], T], length: Callable[[T], int], size: int, seed: int) -> Iterator[list[T]]:
    """Endless batches of `size` samples; of 16 batches drawn together each gets samples of similar length."""
    rng = random.Random(seed)
    while True:
        pool = sorted((draw(rng) for _ in range(16 * size)), key=length)
        groups = [pool[start : start + size] for start in range(0, len(pool), size)]
        rng.shuffle(groups)
        yield from groups


def fit(
    model: torch.nn.Module,
    loss: Callable[[Any], torch.Tensor],
    data: Iterator[Any],
    steps: int,
    learning_rate: float,
    label: str,
) -> None:
    """Train `model` in place: AdamW, one cycle with 5% warm-up and linear decay, gradients clipped at 1."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    warm = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, (steps - step) / max(1, steps - warm))
    )
    model.train()
    average = 0.0
    with Progress(label, steps, "steps", interval=30) as progress:
        for step in range(steps):
            value = loss(next(data))
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            average += (value.item() - average) * (1 if step == 0 else 0.02)
            progress.advance(note=f"loss {average:.3f}")
    model.eval()


def pad(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """Rows padded on the right: int64 of shape (rows, longest)."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (width - len(row))] for row in rows])
