"""Benchmarks, languages and what metrics need, found wrong before a model is loaded."""

import json
from pathlib import Path
from typing import Any

import pytest

from polydistill.checks import evaluation
from polydistill.run_config import RunConfig


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data/xlsum").mkdir(parents=True)
    row = json.dumps({"id": "1", "summary": "s", "text": "t"})
    (tmp_path / "data/xlsum/german_test.jsonl").write_text(row)
    return tmp_path


def run(folder: Path, **settings: Any) -> RunConfig:
    section = {"tasks": ["xlsum"], "data": str(folder / "data"), "targets": ["de"], **settings}
    base = {"output": "out", "targets": ["de"], "translate": {"model": "org/nllb"}, "prompts": {"path": "rows.json"}}
    return RunConfig.model_validate({**base, "eval": section})


def test_a_run_without_evaluation(folder: Path) -> None:
    plain = run(folder).model_copy(update={"eval": None})
    assert evaluation.languages(plain) == evaluation.benchmarks(plain) == evaluation.measures(plain) == []


def test_the_source_language_is_no_target(folder: Path) -> None:
    (problem,) = evaluation.languages(run(folder, targets=["de", "en"]))
    assert str(problem) == "eval.targets: eng_Latn is the source language as well. Leave it out"


def test_a_language_that_a_benchmark_lacks_is_a_note(folder: Path) -> None:
    found = evaluation.benchmarks(run(folder, targets=["de", "ja"]))
    assert found and all(problem.note and problem.key == "eval.tasks.xlsum" for problem in found)
    assert any("jpn_Jpan" in problem.text for problem in found)


def test_damaged_and_missing_benchmarks_are_told_one_by_one(folder: Path) -> None:
    (folder / "data/xlsum/german_test.jsonl").write_text("{")
    found = [p for p in evaluation.benchmarks(run(folder, tasks=["xlsum", "belebele"])) if not p.note]
    assert [problem.key for problem in found] == ["eval.tasks.xlsum", "eval.tasks.belebele"]
    assert "german_test.jsonl:1" in found[0].text and "\n" not in found[0].text + found[1].text


def test_a_tokenizer_and_models_that_metrics_need(folder: Path) -> None:
    flores = {"task": "flores", "bleu_tokenizer": "nothing"}
    wrong = run(folder, tasks=[flores], language_id=str(folder / "no.bin"), comet=str(folder / "none"))
    assert [problem.key for problem in evaluation.measures(wrong)] == [
        "eval.tasks.bleu_tokenizer", "eval.language_id", "eval.comet",
    ]  # fmt: skip
