"""Learning rate as a pure function of the step."""

import math
from typing import Literal

Schedule = Literal["cosine", "linear", "constant"]


ADAPTER_FACTOR = 10.0
"""Adapters learn best at about ten times the rate of all parameters (Schulman et al., "LoRA Without Regret", 2025)."""


def automatic(answer_tokens_per_step: float, adapters: bool = False) -> float:
    """Peak rate by OpenChat's rule (arXiv 2309.11235; SDRRL uses it): 3e-4 at 4M supervised tokens per step.

    Args:
        answer_tokens_per_step: supervised tokens of an average step.
        adapters: whether low-rank adapters are trained instead of all parameters.
    """
    return 3e-4 * math.sqrt(answer_tokens_per_step / 4e6) * (ADAPTER_FACTOR if adapters else 1.0)


def factor(step: int, steps: int, schedule: Schedule, warmup: float) -> float:
    """Share of the peak rate at `step` (0-based) of `steps`; the first `warmup` share of the steps rises to 1."""
    rising = round(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    if schedule == "constant":
        return 1.0
    progress = (step - rising) / max(steps - rising, 1)
    return 1.0 - progress if schedule == "linear" else 0.5 * (1.0 + math.cos(math.pi * progress))
