"""`polydistill eval` without a run's file: options alone, the list of benchmarks, and mistakes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from polydistill.cli.eval import _sections, named
from polydistill.cli.main import app
from polydistill.engine.errors import UserError
from polydistill.eval.benchmark import names


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["eval", *map(str, arguments)])


def test_the_list_names_every_benchmark() -> None:
    result = call("--tasks", "list")
    assert result.exit_code == 0
    assert all(name in result.output for name in names())


def test_options_alone_make_an_evaluation() -> None:
    given = {"tasks": "belebele,mgsm", "targets": "de, th", "data": "bench", "limit": 100}
    evaluation, student = _sections(None, None, given)
    assert [(task.task, task.limit) for task in evaluation.tasks] == [("belebele", 100), ("mgsm", 100)]
    assert evaluation.languages == ["eng_Latn", "deu_Latn", "tha_Thai"] and evaluation.data == "bench"
    assert student is None


def test_options_change_a_file_that_holds_nothing_but_an_evaluation(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("targets: [de]\nsource: fr\neval: {data: here, tasks: [{task: mgsm, shots: 2}, belebele]}\n")
    evaluation, _ = _sections(file, None, {})
    assert [(task.task, task.shots) for task in evaluation.tasks] == [("mgsm", 2), ("belebele", 0)]
    assert evaluation.languages == ["fra_Latn", "deu_Latn"] and evaluation.data == str(tmp_path / "here")
    evaluation, _ = _sections(file, ["eval.seed=3"], {"tasks": "mgsm,xquad", "targets": "ja", "limit": 7})
    assert [(task.task, task.shots, task.limit) for task in evaluation.tasks] == [("mgsm", 2, 7), ("xquad", 0, 7)]
    assert evaluation.languages == ["fra_Latn", "jpn_Jpan"] and evaluation.seed == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "--tasks belebele,mgsm"),
        ({"tasks": "belebel"}, "did you mean belebele"),
        ({"tasks": "mgsm", "targets": "xx"}, "xx"),
    ],
)
def test_mistakes_are_one_sentence(given: dict[str, str | int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        _sections(None, None, given)


def test_no_model_is_an_error_that_shows_the_command() -> None:
    result = call("--tasks", "mgsm")
    assert result.exit_code == 2 and "polydistill eval MODEL" in result.output


def test_names_of_models() -> None:
    assert named(["a/b", "x=c/d", "out/sdrrl/model"]) == {"b": "a/b", "x": "c/d", "sdrrl": "out/sdrrl/model"}
    with pytest.raises(UserError, match="two models are called 'b'"):
        named(["a/b", "c/b"])


@pytest.mark.slow
def test_a_model_is_evaluated_without_any_file(tiny: Path, tmp_path: Path) -> None:
    model, data = tiny / "models" / "student", tiny / "eval"
    result = call(model, "--tasks", "mkqa", "--targets", "de", "--data", data, "--limit", 4, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "prompt template: raw" in result.output and "MKQA F1" in result.output
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["student"]["prompt"] == "raw"
