"""Prompts, found wrong before anything expensive."""

import json
from pathlib import Path
from typing import Any

import pytest

from polydistill.checks import data
from polydistill.checks.problem import Problem
from polydistill.run_config import RunConfig


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows.json").write_text(json.dumps([{"instruction": "Say 1.", "input": "", "output": "1"}]))
    (tmp_path / "empty").mkdir()
    return tmp_path


def run(folder: Path, **sections: Any) -> RunConfig:
    base = {"output": str(folder / "out"), "targets": ["de"], "translate": {"model": "org/nllb"}, "recipe": "sft"}
    return RunConfig.model_validate({**base, "prompts": {"path": str(folder / "rows.json")}, **sections})


def only(problems: list[Problem]) -> Problem:
    (problem,) = problems
    return problem


def test_nothing_is_wrong(folder: Path) -> None:
    assert data.languages(run(folder)) == data.prompts(run(folder)) == []


def test_a_source_language_among_the_targets(folder: Path) -> None:
    assert only(data.languages(run(folder, targets=["de", "en"]))).key == "targets"
    both = [{"path": str(folder / "rows.json"), "language": code} for code in ("en", "de")]
    assert data.languages(run(folder, prompts=both)) == []  # each is translated into the other


def test_the_source_of_prompts_that_is_wrong_is_named_by_its_number(folder: Path) -> None:
    assert only(data.prompts(run(folder, prompts={"path": str(folder / "no.json")}))).key == "prompts.path"
    (folder / "cut.json").write_text('[{"instruction": "a"')
    many = [{"path": str(folder / name)} for name in ("rows.json", "cut.json")]
    problem = only(data.prompts(run(folder, prompts=many)))
    assert problem.key == "prompts.1.path" and "cut.json" in problem.text
