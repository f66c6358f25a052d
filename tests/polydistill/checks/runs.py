"""Runs that are wrong in one place, and the problem that is found."""

from pathlib import Path
from typing import Any

from polydistill.checks.problem import Problem
from polydistill.run_config import RunConfig


def run(folder: Path, **sections: Any) -> RunConfig:
    """A run on the folder's rows, with these sections besides or in place of its own."""
    base = {"output": str(folder / "out"), "targets": ["de"], "translate": {"model": "org/nllb"}, "recipe": "sft"}
    return RunConfig.model_validate({**base, "prompts": {"path": str(folder / "rows.json")}, **sections})


def only(problems: list[Problem]) -> Problem:
    """The only problem."""
    (problem,) = problems
    return problem
