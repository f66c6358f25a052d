"""Prompts, recipe, dictionaries, parallel text and evaluation sets, found wrong before anything expensive."""

import json
from pathlib import Path
from typing import Any

import pytest

from polydistill.checks import data
from polydistill.run_config import RunConfig


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows.json").write_text(json.dumps([{"instruction": "Say 1.", "input": "", "output": "1"}]))
    (tmp_path / "empty").mkdir()
    return tmp_path


def run(folder: Path, **sections: Any) -> RunConfig:
    base = {"output": str(folder / "out"), "targets": ["de"], "translate": {"model": "org/nllb"}, "recipe": "sft"}
    return RunConfig.model_validate({**base, "prompts": {"path": str(folder / "rows.json")}, **sections})


def only(problems: list[data.Problem]) -> data.Problem:
    (problem,) = problems
    return problem


def test_nothing_is_wrong(folder: Path) -> None:
    found = [check(run(folder)) for check in (data.languages, data.prompts, data.recipe, data.dictionaries,
                                              data.parallel, data.leakage)]  # fmt: skip
    assert found == [[]] * 6


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


def test_a_recipe_and_the_sections_that_it_needs(folder: Path) -> None:
    assert only(data.recipe(run(folder, recipe="sdrl"))).key == "recipe"
    assert {problem.key for problem in data.recipe(run(folder, recipe="sdrrl"))} == {"dictionaries", "parallel"}
    given = {"dictionaries": {"path": str(folder)}, "parallel": {"path": str(folder)}}
    assert data.recipe(run(folder, recipe="sdrrl", **given)) == []
    # What depends on a recipe says nothing where there is none.
    assert (
        data.dictionaries(run(folder, recipe="sdrl", **given))
        == data.parallel(run(folder, recipe="sdrl", **given))
        == []
    )


def test_a_missing_dictionary_is_a_note_in_each_direction(folder: Path) -> None:
    skipped = {"path": str(folder / "empty"), "missing": "skip"}
    found = data.dictionaries(run(folder, recipe="sdrrl", dictionaries=skipped))
    assert [problem.note for problem in found] == [True, True]
    assert "eng_Latn -> deu_Latn" in found[0].text and "deu_Latn -> eng_Latn" in found[1].text
    wrong = data.dictionaries(run(folder, recipe="sdrrl", dictionaries=skipped | {"missing": "error"}))
    assert [(problem.key, problem.note) for problem in wrong] == [("dictionaries.path", False)] * 2
    (folder / "empty/en-de.txt").write_text("dog Hund\n")  # read in both directions
    assert data.dictionaries(run(folder, recipe="sdrrl", dictionaries=skipped)) == []


def test_parallel_text_that_is_missing_or_empty(folder: Path) -> None:
    where = {"recipe": "sdrrl", "parallel": {"path": str(folder / "empty")}}
    assert "no parallel text eng_Latn-deu_Latn" in only(data.parallel(run(folder, **where))).text
    (folder / "empty/en-de.tsv").write_text("")
    assert "no pair of sentences in it" in only(data.parallel(run(folder, **where))).text
    (folder / "empty/en-de.tsv").write_text("A dog.\tEin Hund.\n")
    assert data.parallel(run(folder, **where)) == []


def test_evaluation_sets_that_are_not_there(folder: Path) -> None:
    against = [str(folder / "rows.json"), str(folder / "nowhere"), "s3://bucket/set"]
    assert str(only(data.leakage(run(folder, leakage={"against": against})))) == (
        f"leakage.against: {folder}/nowhere: no such file or folder"
    )
