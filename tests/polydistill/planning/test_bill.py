"""The whole bill: the shipped configurations without their data files, and sums that are sums."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.engine.planning.workload import Cluster, workload
from polydistill.planning.bill import Rent, bill, total
from polydistill.run_config import load_run

RUNS = Path(__file__).parents[3] / "configs" / "runs"
SHIPPED = ("one_gpu", "eight_gpus", "cluster", "small_real")
NODE = Cluster(1, 8, 128, 1024)


def planned(name, cluster=NODE, gpu="h100", price=2.0, changes=(), **load):
    run = load_run(RUNS / f"{name}.yaml", list(changes))
    return bill(run, Rent(cluster, gpu, price), workload(run, prompts=10_000, chars=(90, 270), **load))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configurations_are_planned_without_their_files_and_judged_on_usual_cards(name):
    found = planned(name)
    assert [step.name for step in found.steps] == ["synthesis", "training", "evaluation"]
    assert all(step.seconds > 0 and step.source for step in found.steps)
    assert {row.step for row in found.memory} >= {"generate", "translate", "judge", "training", "evaluation"}
    for row in found.memory:
        assert list(row.cards) == ["24", "48", "80", "141"]
        judged = list(row.cards.values())
        assert judged == sorted(judged)  # what fits a card fits a larger one
        assert row.fits == row.cards["80"]


def test_cards_on_which_the_shipped_runs_fit():
    """one_gpu.yaml is for 80 GB, small_real.yaml runs anywhere."""
    one = {row.step: row for row in planned("one_gpu", Cluster(1, 1, 16, 256)).memory}
    assert one["training"].cards == {"24": False, "48": False, "80": True, "141": True}
    assert one["training"].offloaded > 18 * 6.7e9  # the optimizer and its gradients
    assert not one["generate"].cards["24"] and one["generate"].cards["80"]
    assert all(all(row.cards.values()) for row in planned("small_real").memory)


@pytest.mark.parametrize(("gpu", "card"), [("a10g", "24"), ("l40s", "48"), ("h100", "80"), ("h200", "141")])
def test_the_given_card_is_judged_like_the_usual_one_of_its_size(gpu, card):
    for row in planned("eight_gpus", gpu=gpu).memory:
        assert row.fits == row.cards[card]
        assert bool(row.advice) != row.fits


def test_a_reward_model_needs_memory_and_its_part_of_a_card():
    reward = "reward: {model: X-RM-8B, gpus: 0.2}"
    student = "student={model: Llama-3.1-8B, samples: 4, temperature: 1.0, select: quality, " + reward + "}"
    found = planned("eight_gpus", changes=[student])
    (row,) = [row for row in found.memory if row.step == "reward"]
    assert row.need > 8e9 * 4 and row.room == 0.2 * 80 * 2**30 and not row.fits
    assert "student.reward.dtype=bfloat16" in row.advice and "student.reward.gpus" in row.advice
    taken = sum(stage.actors * stage.gpus for stage in found.synthesis.stages.values())
    assert taken <= 7.8


def test_seventy_billion_parameters_do_not_fit_a_card_of_24_gb():
    found = planned("eight_gpus", gpu="4090", changes=["student.model=Llama-2-70b-hf"])
    rows = {row.step: row for row in found.memory}
    assert not rows["generate"].fits and "tensor_parallel_size=8" in rows["generate"].advice
    assert not rows["training"].fits


def test_advice_is_a_change_that_fits():
    cluster = Cluster(1, 8, 128, 2048)
    before = {row.step: row for row in planned("eight_gpus", cluster, gpu="l40s").memory}["training"]
    assert not before.fits and before.advice.startswith("train.activation_checkpointing=true")
    changed = planned("eight_gpus", cluster, gpu="l40s", changes=["train.activation_checkpointing=true"])
    assert {row.step: row for row in changed.memory}["training"].fits


@pytest.mark.parametrize("name", ["laptop", "small_real", "eight_gpus"])
def test_machines_without_gpus(name):
    changes = [] if name != "eight_gpus" else ["train.workers=1", "prompts.limit=10"]
    found = planned(name, Cluster(1, 0, 8, 32), changes=changes)
    assert found.gpu is None and found.total.gpu_hours == 0
    assert found.total.money == pytest.approx(2 * found.total.node_hours)
    assert all(not row.cards for row in found.memory)


def test_all_machines_are_paid_for_in_every_step():
    found = planned("eight_gpus", Cluster(4, 8, 128, 1024))
    for step in found.steps:
        assert step.gpu_hours == pytest.approx(step.seconds / 3600 * 32)
        assert step.money == pytest.approx(2 * step.gpu_hours)
    assert any("training uses 8 of 32 GPUs" in warning for warning in found.warnings)


@given(
    seconds=st.lists(st.floats(0, 1e8), min_size=1, max_size=5),
    machines=st.tuples(st.integers(1, 500), st.integers(0, 8)),
    price=st.none() | st.floats(0, 1000),
)
def test_the_total_is_the_sum_of_the_rows(seconds, machines, price):
    rent = Rent(Cluster(*machines, 64, 512), "h100", price)
    steps = [rent.step(str(number), time, "") for number, time in enumerate(seconds)]
    whole = total(steps)
    for name in ("seconds", "gpu_hours", "node_hours"):
        assert math.isclose(getattr(whole, name), sum(getattr(step, name) for step in steps))
    if price is None:
        assert whole.money is None
    else:
        assert math.isclose(whole.money, rent.step("all", sum(seconds), "").money, rel_tol=1e-9, abs_tol=1e-9)


@given(prompts=st.integers(200, 20_000), targets=st.sampled_from(["de", "de,id", "de,id,ja,cs"]))
def test_a_plan_s_total_is_the_sum_of_its_rows_and_more_work_costs_more(prompts, targets):
    run = load_run(RUNS / "laptop.yaml", [f"targets=[{targets}]"])
    rent = Rent(NODE, "h100", 1.0)
    found, larger = (bill(run, rent, workload(run, count, chars=(90, 270))) for count in (prompts, 2 * prompts))
    assert found.total == total(found.steps)
    assert larger.total.seconds > found.total.seconds and sum(larger.disk.values()) > sum(found.disk.values())


def test_what_is_not_in_the_bill_is_said():
    found = planned("laptop", changes=["student.endpoint=http://host:8000/v1"])
    assert any("evaluation" in item for item in found.not_included)
    assert any("http://host:8000/v1" in item for item in found.not_included)
    assert set(found.synthesis.stages) == {"translate", "judge"}


def test_more_memory_in_the_machine_than_it_has_is_said():
    found = planned("one_gpu", Cluster(1, 1, 16, 64))
    assert any("in the memory of each machine" in warning for warning in found.warnings)


def test_an_unknown_gpu_is_refused():
    with pytest.raises(UserError, match="--gpu tpu"):
        planned("laptop", gpu="tpu")
