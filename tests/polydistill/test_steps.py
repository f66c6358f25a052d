"""Sections of the configuration from plain mappings, as callers from outside write them."""

from pathlib import Path

import pytest

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.eval.config import Eval
from polydistill.steps import evaluate, section, train
from polydistill.trainer.config import Train


def test_a_section_is_taken_as_it_is_or_made_of_a_mapping() -> None:
    known = Train(epochs=1)
    assert section(Train, known, "train") is known
    assert section(Train, {"epochs": 1}, "train") == known
    assert [task.task for task in section(Eval, ["belebele"], "eval").tasks] == ["belebele"]


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(UserError) as error:
        section(Train, {"epoch": 1, "packs": "many"}, "train")
    assert "epoch" in str(error.value) and "packs" in str(error.value)


def test_steps_refuse_before_they_read_anything(tmp_path: object) -> None:
    with pytest.raises(UserError, match="modle"):
        train(f"{tmp_path}/nowhere", {"modle": "x"}, {}, f"{tmp_path}/out")
    with pytest.raises(UserError, match="taks"):
        evaluate({"base": "x"}, {"taks": ["belebele"]}, Student(model="x"), f"{tmp_path}/out")


def test_problems_are_named_at_once_before_anything_starts(tmp_path: Path) -> None:
    """As `polydistill train` and `polydistill eval` do."""
    with pytest.raises(UserError) as error:
        train(f"{tmp_path}/nowhere", {"model": "./nobody"}, {"workers": 999}, f"{tmp_path}/out")
    assert all(key in str(error.value) for key in ("mixture: ", "student.model: ", "train.workers: 999"))
    with pytest.raises(UserError) as error:
        evaluate({"base": "x"}, {"tasks": ["xquad"], "data": "none", "targets": ["de"], "comet": "./no"}, WHO, "out")
    assert all(key in str(error.value) for key in ("student.model: ", "eval.tasks.xquad: ", "eval.comet: "))
    assert not list(tmp_path.iterdir())


WHO = {"model": "./nobody"}
