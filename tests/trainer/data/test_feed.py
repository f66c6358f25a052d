"""The passes of all ranks together are the plan's packs, whatever their number."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.trainer.config import Train
from polydistill.trainer.data.feed import Feed, passes
from polydistill.trainer.data.objective import Weighing
from polydistill.trainer.data.step_plan import Plan
from tests.trainer.samples_fixture import write_samples


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("samples")


def make_plan(folder: Path, lengths: list[int], packs: int, at_once: int) -> Plan:
    train = Train(max_tokens=32, packs=packs, epochs=1, pass_tokens=32 * at_once)
    weighing = Weighing("sample_mean", "sample", "epoch", np.ones(1))
    return Plan(write_samples(folder, lengths), np.arange(len(lengths)), train, weighing)


@settings(max_examples=12)
@given(st.lists(st.integers(2, 32), min_size=1, max_size=30), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3))
def test_all_ranks_together_take_the_step(
    folder: Path, lengths: list[int], packs: int, at_once: int, ranks: int
) -> None:
    plan = make_plan(folder, lengths, packs, at_once)
    feeds = [Feed(plan, rank, ranks) for rank in range(ranks)]
    for step in range(plan.steps):
        taken = [list(feed.step(step)) for feed in feeds]
        assert {len(parts) for parts in taken} == {passes(plan, ranks)}
        assert all([part.last for part in parts] == [False] * (len(parts) - 1) + [True] for parts in taken)
        real = [part for parts in taken for part in parts if not part.empty]
        wanted = {int(n): w for pack, weights in plan.step(step) for n, w in zip(pack, weights)}
        assert sorted(int(n) for part in real for n in part.numbers) == sorted(wanted)
        for part in real:
            lengths_here = plan.samples.length[part.numbers]
            assert (np.diff(lengths_here) <= 0).all()  # what packed attention asks for
            weights = np.repeat([wanted[int(n)] for n in part.numbers], plan.samples.answer[part.numbers])
            assert np.allclose(part.batch.weights.numpy(), weights)
        for part in (part for parts in taken for part in parts if part.empty):
            assert len(part.numbers) == 1 and not part.batch.weights.any()


def test_what_was_laid_out_ahead_is_not_taken_for_another_step(folder: Path) -> None:
    """A run that goes on from a checkpoint begins anywhere."""
    plan = make_plan(folder, [30] * 9, packs=2, at_once=1)
    feed = Feed(plan)
    next(feed.step(0))
    for step in (3, 1, 4):
        found = [part.numbers.tolist() for part in feed.step(step) if not part.empty]
        assert found == [pack.tolist() for pack, _ in plan.step(step)]
