"""pydantic's findings in words: key, what was expected, what was found, and something right."""

import pytest

from polydistill.engine.config import validate
from polydistill.engine.errors import UserError
from polydistill.run_config import RunConfig
from polydistill.trainer.config import Train

RIGHT = {"output": "out", "targets": ["de"], "prompts": [{"path": "rows.json"}], "translate": {"model": "a/b"}}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"seed": "abc"}, "seed: expected a whole number (found 'abc')"),
        ({"targets": None}, "targets: expected a list (found nothing)"),
        ({"student": "gpt2"}, "student: expected keys and values, e.g. student: {model: ...} (found 'gpt2')"),
        ({"prompts": []}, "prompts: expected a list of at least 1, e.g. prompts: [{path: ...}] (found [])"),
        ({"prompts": {}}, "prompts.0.path: required (A file (JSON"),
        ({"dictionaries": {"path": 5}}, "dictionaries.path: expected text or a list (found 5)"),
        ({"train": {"learning_rate": "x"}}, "train.learning_rate: expected a number or 'auto' (found 'x')"),
        ({"train": {"deepspeed": "zero9"}}, "train.deepspeed: expected 'auto', 'zero0', 'zero1', 'zero2' or 'zero3'"),
        ({"train": {"packs": 0}}, "train.packs: expected at least 1 (found 0)"),
        ({"train": {"epoch": 1}}, "train.epoch: unknown key; did you mean 'epochs'?"),
        ({"translate": {"beam": 2}}, "translate.model: required"),
        ({"targets": ["de", "xx"]}, "targets.1: unknown language 'xx'"),
    ],
)
def test_a_problem_is_one_line(change: dict[str, object], line: str) -> None:
    with pytest.raises(UserError) as error:
        validate(RunConfig, RIGHT | change, "run.yaml")
    first, *lines = str(error.value).splitlines()
    assert first == "run.yaml:"
    assert lines[0].startswith(f"  {line}")
    assert "Input should" not in str(error.value) and "Field required" not in str(error.value)


def test_all_problems_are_named_each_once() -> None:
    with pytest.raises(UserError) as error:
        validate(Train, {"learning_rate": [], "packs": "x", "nothing": 1}, "train")
    keys = [line.split(":")[0].strip() for line in str(error.value).splitlines()[1:]]
    assert sorted(keys) == ["learning_rate", "nothing", "packs"]


def test_a_file_of_another_kind_is_said_in_one_sentence() -> None:
    with pytest.raises(UserError, match=r"page: none of its keys is known \(<html>\)\. Expected keys such as output"):
        validate(RunConfig, {"<html>": "404"}, "page")


def test_a_password_is_not_shown() -> None:
    with pytest.raises(UserError) as error:
        validate(RunConfig, RIGHT | {"seed": "s3://me:secret@host/x"}, "run.yaml")
    assert "secret" not in str(error.value)
