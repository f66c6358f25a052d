"""Which samples make up which step: every one once an epoch, and the steps' losses average to the objective."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.trainer.config import Train
from polydistill.trainer.data.objective import Weighing
from polydistill.trainer.data.step_plan import Plan
from tests.trainer.samples_fixture import write_samples

LIMIT = 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("samples")


def make_plan(
    folder: Path, lengths: list[int], rows: list[int] | None = None, same_step: bool = False, **train_settings: Any
) -> Plan:
    samples = write_samples(folder, lengths, [i % 2 for i in range(len(lengths))], rows)
    train = Train(**{"max_tokens": LIMIT, "packs": 2, "epochs": 2, **train_settings})
    weighing = Weighing("subset_mean", train.mean_over, train.denominator, np.array([1.0, 3.0]))
    return Plan(samples, np.arange(len(lengths)), train, weighing, same_step)


def numbers(plan: Plan, step: int) -> list[int]:
    return [int(n) for pack, _ in plan.step(step) for n in pack]


LENGTHS = st.lists(st.integers(2, LIMIT), min_size=2, max_size=40)


@settings(max_examples=12)
@given(LENGTHS, st.sampled_from([{"packs": 1}, {"packs": 3}, {"batch_samples": 1}, {"batch_samples": 7}]))
def test_each_epoch_takes_every_sample_once(folder: Path, lengths: list[int], how: dict[str, int]) -> None:
    plan = make_plan(folder, lengths, **how)
    assert plan.steps == 2 * plan.steps_per_epoch
    for epoch in range(2):
        steps = range(epoch * plan.steps_per_epoch, (epoch + 1) * plan.steps_per_epoch)
        assert sorted(n for step in steps for n in numbers(plan, step)) == list(range(len(lengths)))
        for step in steps:
            assert all(plan.size(pack)[0] <= LIMIT for pack, _ in plan.step(step))
            assert len(plan.step(step)) <= plan.packs_per_step
            if "batch_samples" in how:
                assert len(numbers(plan, step)) <= how["batch_samples"]


@given(LENGTHS)
def test_the_steps_of_an_epoch_average_to_the_objective(folder: Path, lengths: list[int]) -> None:
    """SDRRL's Eq. 6 with losses that are known: the CE of sample i's every token is i."""
    plan = make_plan(folder, lengths, packs=1)
    answer, subset = plan.samples.answer, plan.samples.subset
    steps = [
        sum(float(weight * answer[n] * n) for pack, weights in plan.step(step) for n, weight in zip(pack, weights))
        for step in range(plan.steps_per_epoch)
    ]
    means = [float(np.flatnonzero(subset == d).mean()) for d in (0, 1)]
    assert np.mean(steps) == pytest.approx((1 * means[0] + 3 * means[1]) / 4)
    everything = sum(float((w * answer[p] * p).sum()) for p, w in plan.everything())
    assert everything == pytest.approx(np.mean(steps))


def test_the_order_is_a_function_of_the_seed_and_differs_between_epochs(folder: Path) -> None:
    lengths = np.random.default_rng(0).integers(2, LIMIT, 60).tolist()
    plan, again, other = (make_plan(folder, lengths, seed=seed) for seed in (0, 0, 1))
    order = [numbers(plan, step) for step in range(plan.steps)]
    assert order == [numbers(again, step) for step in reversed(range(plan.steps))][::-1]
    assert order != [numbers(other, step) for step in range(other.steps)]
    assert order[: plan.steps_per_epoch] != order[plan.steps_per_epoch :]


def test_variants_of_a_row_share_their_step(folder: Path) -> None:
    rows = [i // 3 for i in range(30)]
    plan = make_plan(folder, [7] * 30, rows, same_step=True)
    where = {n: step for step in range(plan.steps_per_epoch) for n in numbers(plan, step)}
    assert len(where) == 30
    assert all(len({where[n] for n in range(30) if rows[n] == row}) == 1 for row in set(rows))
    with pytest.raises(UserError, match="prompt"):
        make_plan(folder, [30] * 30, [0] * 30, same_step=True).check()


def test_figures_of_a_plan(folder: Path) -> None:
    plan = make_plan(folder, [16, 16, 20, 12, 30], epochs=1, packs=2)
    assert plan.steps == plan.steps_per_epoch == 2
    assert plan.fill == pytest.approx(94 / 96)
    assert plan.answer_tokens_per_step == (94 - 5) / 2
    assert plan.answer_tokens_by_subset(np.array([0, 1, 4])).tolist() == [15 + 29, 15]
    assert make_plan(folder, [16] * 9, steps=11).steps == 11
    assert make_plan(folder, [16] * 9, pass_tokens=3 * LIMIT).packs_at_once == 3


def test_a_pack_as_tensors(folder: Path) -> None:
    plan = make_plan(folder, [4, 3])
    found = plan.batch(np.array([0, 1]), np.array([0.5, 2.0]))
    assert found.tokens.tolist() == [[0, 1, 2, 3, 4, 5, 6]] and found.bounds == [0, 4, 7]
    assert found.labels.tolist() == [1, 2, 3, 5, 6] and found.weights.tolist() == [0.5, 0.5, 0.5, 2.0, 2.0]
