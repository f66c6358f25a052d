"""What ranks say to each other besides gradients."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from polydistill.engine.errors import UserError

T = TypeVar("T")


class AgreedError(UserError):
    """A UserError that every rank raises at the same place, so that none is left waiting."""


def together(action: Callable[[], T]) -> T:
    """Run `action` on every rank; where it raises a UserError on one, all raise it.

    `action` itself must not talk to other ranks after a point where it may raise on one of them only.
    """
    result: Any = None
    message = None
    try:
        result = action()
    except UserError as error:
        message = str(error)
    messages: list[str | None] = [None] * dist.get_world_size()
    dist.all_gather_object(messages, message)
    for text in messages:
        if text is not None:
            raise AgreedError(text)
    return result


def any_rank(flag: bool, device: torch.device) -> bool:
    """Whether `flag` is set on any rank."""
    answer = torch.tensor([int(flag)], device=device)
    dist.all_reduce(answer, dist.ReduceOp.MAX)
    return bool(answer.item())


def rank_zero_says(first: bool, second: bool, device: torch.device) -> tuple[bool, bool]:
    """Rank 0's two flags, on every rank."""
    answer = torch.tensor([int(first), int(second)], device=device)
    dist.broadcast(answer, 0)
    one, two = answer.tolist()
    return bool(one), bool(two)
