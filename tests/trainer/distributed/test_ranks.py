"""What ranks say to each other, between two processes."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist

from polydistill.engine.errors import UserError
from polydistill.trainer.distributed.ranks import AgreedError, any_rank, rank_zero_says, together


def _talk(rank: int, store: str, answers: Any) -> None:
    """One rank; `answers` gets what it was told."""
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    cpu = torch.device("cpu")

    def fails_on(which: int) -> Callable[[], int]:
        def action() -> int:
            if rank == which:
                raise UserError(f"no room on {which}")
            return 10 * rank

        return action

    told: list[Any] = [together(fails_on(-1))]
    for which in (0, 1):
        try:
            together(fails_on(which))
        except AgreedError as error:
            told.append(str(error))
    told += [any_rank(rank == 1, cpu), any_rank(False, cpu), rank_zero_says(rank == 0, rank == 1, cpu)]
    answers.put((rank, told))
    dist.barrier()
    dist.destroy_process_group()


def test_two_ranks_agree(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    started = [context.Process(target=_talk, args=(rank, str(tmp_path / "store"), answers)) for rank in (0, 1)]
    for process in started:
        process.start()
    try:
        told = dict(answers.get(timeout=60) for _ in started)
    finally:
        for process in started:
            process.join(10)
            process.kill()
    agreed = ["no room on 0", "no room on 1", True, False, (True, False)]
    assert told == {0: [0, *agreed], 1: [10, *agreed]}


@pytest.mark.usefixtures("one_rank")
def test_a_defect_is_no_agreed_error() -> None:
    with pytest.raises(ZeroDivisionError):
        together(lambda: 1 // 0)
