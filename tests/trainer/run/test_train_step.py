"""One optimizer step over a stand-in for DeepSpeed's engine: each token's loss is a parameter of its own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from polydistill.trainer.config import Train
from polydistill.trainer.data.batch import Batch
from polydistill.trainer.data.feed import Feed
from polydistill.trainer.data.objective import Weighing
from polydistill.trainer.data.step_plan import Plan
from polydistill.trainer.distributed.ranks import AgreedError
from polydistill.trainer.run.train_step import train_step, validate
from tests.trainer.samples_fixture import write_samples

pytestmark = pytest.mark.usefixtures("one_rank")
LENGTHS = [5, 4, 6, 3, 7]


class Engine:
    """What a step asks of DeepSpeed: losses, a backward pass divided by the passes, an update behind the last one."""

    def __init__(self, losses: torch.Tensor, passes: int) -> None:
        self.losses, self.passes, self.left = torch.nn.Parameter(losses), passes, passes
        groups = [{"params": [self.losses]}, {"params": [torch.nn.Parameter(torch.zeros(1))], "rate_scale": 16.0}]
        self.optimizer: Any = torch.optim.SGD(groups, lr=0.0)
        self.module = torch.nn.ParameterList([self.losses])
        self.device = torch.device("cpu")
        self.training = True

    def __call__(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        losses = self.losses[batch.labels]
        return (losses * batch.weights).sum(), losses.detach()

    def backward(self, loss: torch.Tensor) -> None:
        (loss / self.passes).backward()

    def step(self) -> None:
        self.left -= 1
        if not self.left:
            self.gradient = self.losses.grad
            self.optimizer.step()

    def get_global_grad_norm(self) -> None:
        """Not measured."""

    def train(self) -> None:
        self.training = True

    def eval(self) -> None:
        self.training = False


def step_of(folder: Path, broken: int | None = None, **settings: Any) -> tuple[Plan, Feed, Engine]:
    """All samples in one step of one pack a pass; the token `broken` has no finite loss."""
    samples = write_samples(folder, LENGTHS, [0, 1, 0, 1, 0], [1, 2, 3, 4, 5])
    train = Train(max_tokens=8, packs=5, epochs=1, **settings)
    plan = Plan(samples, np.arange(5), train, Weighing("subset_mean", "sample", "epoch", np.array([1.0, 3.0])))
    losses = torch.arange(25, dtype=torch.float32) / 10
    if broken is not None:
        losses[broken] = float("inf")
    feed = Feed(plan)
    return plan, feed, Engine(losses, feed.rounds)


def test_loss_gradient_and_figures_are_the_objectives(tmp_path: Path) -> None:
    plan, feed, engine = step_of(tmp_path)
    start = engine.losses.detach().clone()
    figures = train_step(engine, feed, 0, 0.5)
    weight = np.zeros(25)  # of each token, from Eq. 6: subsets 1 : 3, means over samples, means inside
    for n, first in enumerate(np.cumsum([0, *LENGTHS[:-1]])):
        subset, answers = n % 2, LENGTHS[n] - 1
        weight[first + 1 : first + LENGTHS[n]] = (1, 3)[subset] / 4 / (3, 2)[subset] / answers
    assert float(figures.sums[0]) == pytest.approx(float((weight * start.numpy()).sum()), rel=1e-6)
    assert np.allclose(engine.gradient, weight, atol=1e-7)
    assert torch.allclose(engine.losses, start - 0.5 * engine.gradient)
    assert [group["lr"] for group in engine.optimizer.param_groups] == [0.5, 8.0]
    assert figures.grad_norm == pytest.approx(float(np.linalg.norm(weight)), rel=1e-5)
    assert (figures.tokens, figures.answer_tokens, figures.counts.tolist()) == (25, 20, [15, 5])
    assert validate(step_of(tmp_path)[2], plan, engine.device) == pytest.approx(float(figures.sums[0]), rel=1e-6)


def test_a_loss_that_is_no_number_stops_before_the_update(tmp_path: Path) -> None:
    _, feed, engine = step_of(tmp_path, broken=7)
    before = engine.losses.detach().clone()
    with pytest.raises(AgreedError, match=r"step 1: the loss is not finite \(rows 0.*nonfinite=skip"):
        train_step(engine, feed, 0, 0.5)
    assert torch.equal(engine.losses, before)


def test_packs_without_a_finite_loss_are_left_out_and_named(tmp_path: Path) -> None:
    """Token 7 belongs to sample 1, row 2; a stand-in of weight 0 takes its place."""
    plan, feed, engine = step_of(tmp_path, broken=7, nonfinite="skip")
    with_it = [pack for pack, _ in plan.step(0) if 1 in pack]
    figures = train_step(engine, feed, 0, 0.5)
    assert figures.skipped == [f"{n + 1:016x}" for n in with_it[0]]
    assert np.isfinite(figures.sums).all() and not engine.gradient[5:9].any() and engine.gradient.any()
    assert figures.counts.sum() == 20 - sum(LENGTHS[n] - 1 for n in with_it[0])
