"""Sections of the configuration from plain mappings, as callers from outside write them."""

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
