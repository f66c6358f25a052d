"""Whole trainings as the only rank, in the test's own process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polydistill.engine.config import Student, validate
from polydistill.trainer.artifact import Checkpoint
from polydistill.trainer.config import Train
from polydistill.trainer.identity import identity

SMALL: dict[str, Any] = {
    "steps": 4,
    "max_tokens": 512,
    "packs": 2,
    "learning_rate": 0.003,
    "checkpoint_steps": 2,
    "checkpoint_minutes": None,
    "log_steps": 1,
    "loggers": [],
}
Training = Callable[..., str | None]


@pytest.fixture
def trained(one_rank: None, student: str, mixture: str) -> Training:
    """Train to the end in a folder; returns the model's folder, or None where the run was stopped."""
    from polydistill.trainer.run import rank

    def run(out: Path, model: str = student, **settings: Any) -> str | None:
        train = validate(Train, {**SMALL, **settings}, "train")
        base = Student(model=model, prompt="raw")
        return rank.run(mixture, base, train, str(out), identity(mixture, base, train))

    return run


def losses(out: Path) -> list[float]:
    """The loss of each step."""
    return [float(row["loss"] or 0) for row in Checkpoint.open(str(out)).curve]


def weights(out: Path, part: str = "model") -> dict[str, Any]:
    """A trained model's tensors by name."""
    from safetensors.torch import load_file

    return load_file(next((out / part).glob("*.safetensors")))
