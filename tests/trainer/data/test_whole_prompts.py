"""Prompts with all their samples in one optimizer step (the recipe's `same_step`)."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.trainer.data.whole_prompts import whole_prompts
from tests.engine.mixture_fixture import write_mixture
from tests.trainer.conftest import rows

LIMIT, PACKS = 50, 4


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=6), max_size=40), st.integers(0, 5))
def test_every_prompt_lies_in_one_step(groups: list[list[int]], seed: int) -> None:
    lengths = np.array([length for group in groups for length in group], np.int64)
    prompt = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    mixed = np.random.default_rng(seed).permutation(len(lengths))
    lengths, prompt = lengths[mixed], prompt[mixed]
    packs, steps = whole_prompts(lengths, prompt, LIMIT, PACKS, seed)
    assert sorted(packs.order.tolist()) == list(range(len(lengths)))
    assert all(lengths[packs[number]].sum() <= LIMIT for number in range(len(packs)))
    assert steps[0] == 0 and steps[-1] == len(packs) and (np.diff(steps) <= PACKS).all() and (np.diff(steps) > 0).all()
    step_of = defaultdict(set)
    for step in range(len(steps) - 1):
        for number in range(steps[step], steps[step + 1]):
            for sample in packs[number]:
                step_of[prompt[sample]].add(step)
    assert all(len(found) == 1 for found in step_of.values())


def test_steps_are_full() -> None:
    draw = np.random.default_rng(0)
    lengths = draw.lognormal(4.5, 0.6, 20_000).astype(np.int64).clip(1, 2048)
    steps = whole_prompts(lengths, np.repeat(np.arange(2_000), 10), 2048, 16)[1]
    assert lengths.sum() / ((len(steps) - 1) * 16 * 2048) > 0.97


def test_a_prompt_larger_than_a_step_is_refused() -> None:
    with pytest.raises(UserError, match=r"the 5 samples of one prompt \(150 tokens\) need 5 packs of 50.*a step has 4"):
        whole_prompts(np.full(7, 30), np.array([1, 1, 1, 1, 1, 2, 2]), LIMIT, PACKS)


@pytest.mark.slow
@pytest.mark.parametrize(("ranks", "packs"), [(2, 4), (3, 4)])
def test_the_trainer_keeps_prompts_whole(
    ranks: int, packs: int, student: str, tmp_path: Path, run_ranks: Callable[..., None]
) -> None:
    """Over ranks and accumulation, in every epoch."""
    tables = []
    for seed in range(2):  # the variants of a prompt stand in different shards
        table = rows(80, seed)
        ids = pa.array([f"{index % 20 + 1:016x}" for index in range(80)])
        tables.append(table.set_column(0, "id", ids))
    mixture = write_mixture(tmp_path / "mixture", *tables, same_step=True)
    train = {
        "epochs": 2,
        "max_tokens": 512,
        "packs": packs,
        "deepspeed": "zero1",
        "learning_rate": 1e-3,
        "log_steps": 1,
    }
    job = {"student": student, "mixture": mixture, "out": str(tmp_path / "out"), "train": train}
    run_ranks(ranks, "seen", job)
    steps: dict[str, list[int]] = defaultdict(list)
    for rank in range(ranks):
        found = json.loads((tmp_path / f"out/seen-{rank}.json").read_text())
        assert found
        for step, ids in found:
            for row in ids:
                steps[row].append(step)
    of = json.loads((tmp_path / "out/training.json").read_text())["steps_per_epoch"]
    assert of > 3
    for found in steps.values():
        assert len(found) == 16 and len(set(found)) == 2  # 8 samples in each of two epochs, each in one step
        assert {step // of for step in found} == {0, 1}
