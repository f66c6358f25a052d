"""What the loop says of a step, and when a validation is the best so far."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from polydistill.trainer.records import Best, Progress, Validation
from polydistill.trainer.run import loop
from polydistill.trainer.run.loop import Loop
from polydistill.trainer.run.train_step import Figures


def figures(norm: float) -> Figures:
    return Figures(torch.zeros(1), np.zeros(1), norm, tokens=150, answer_tokens=60, packs=2, skipped=[])


def state(**values: object) -> SimpleNamespace:
    """The fields of a loop that a method reads, without a model."""
    known = {"names": ["TL", "LL"], "plan": SimpleNamespace(steps=9), "train": SimpleNamespace(max_tokens=100)}
    return SimpleNamespace(**(known | {"progress": Progress(step=3)} | values))


def test_a_subsets_loss_is_per_token_and_absent_without_tokens() -> None:
    row = Loop._row(state(), 2, 0.1, figures(1.5), [0.75, 6.0, 0.0, 3.0, 0.0])
    assert (row["step"], row["of"], row["loss"], row["loss/TL"]) == (3, 9, 0.75, 2.0)
    assert "loss/LL" not in row and "validation_loss" not in row
    assert (row["fill"], row["grad_norm"], row["learning_rate"]) == (0.75, 1.5, 0.1)


def test_what_json_cannot_hold_is_null() -> None:
    found = Progress(step=3, validation=(Validation(3, None),))
    row = Loop._row(state(progress=found), 2, 0.1, figures(math.inf), [0.75, 6.0, 1.0, 3.0, 1.0])
    assert row["grad_norm"] is None and row["validation_loss"] is None


def test_a_loss_that_is_no_number_is_never_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = iter([math.nan, 2.0, 3.0, math.inf, 1.5])
    monkeypatch.setattr(loop, "validate", lambda engine, plan, device: next(measured))
    fake = state(held=SimpleNamespace(), engine=None, device=None)
    better = [Loop._validate(fake) for _ in range(5)]
    assert better == [False, True, False, False, True]
    assert fake.progress.best == Best(3, 1.5) and fake.progress.bad == 0
    assert [each.loss for each in fake.progress.validation] == [None, 2.0, 3.0, None, 1.5]
