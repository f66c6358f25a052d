"""A recipe, dictionaries, parallel text, evaluation sets and native rows, found wrong before anything expensive."""

from pathlib import Path
from typing import Any

from polydistill.checks.mixture import mixture
from polydistill.checks.problem import Problem
from tests.polydistill.checks.runs import only, run


def test_nothing_is_wrong(folder: Path) -> None:
    assert mixture(run(folder)) == []


def test_a_recipe_and_the_sections_that_it_needs(folder: Path) -> None:
    assert only(mixture(run(folder, recipe="sdrl"))).key == "recipe"
    assert {problem.key for problem in mixture(run(folder, recipe="sdrrl"))} == {"dictionaries", "parallel"}


def dictionaries(folder: Path, **section: Any) -> list[Problem]:
    return mixture(run(folder, recipe=switched(folder), dictionaries={"path": str(folder / "empty"), **section}))


def switched(folder: Path) -> str:
    """A recipe that needs dictionaries and nothing else."""
    file = folder / "switched.yaml"
    file.write_text("code_switch: {questions: 0.5}\nsubsets: {TL: {question: target, answer: source}}\n")
    return str(file)


def test_a_missing_dictionary_is_a_note_in_each_direction(folder: Path) -> None:
    found = dictionaries(folder, missing="skip")
    assert [problem.note for problem in found] == [True, True]
    assert "eng_Latn -> deu_Latn" in found[0].text and "deu_Latn -> eng_Latn" in found[1].text
    wrong = dictionaries(folder, missing="error")
    assert [(problem.key, problem.note) for problem in wrong] == [("dictionaries.path", False)] * 2
    (folder / "empty/en-de.txt").write_text("dog Hund\n")  # read in both directions
    assert dictionaries(folder, missing="error") == []


def completed(folder: Path, **section: Any) -> list[Problem]:
    """The problems of a recipe that needs parallel text and nothing else."""
    file = folder / "completed.yaml"
    file.write_text("subsets: {mt: {task: translate}}\n")
    return mixture(run(folder, recipe=str(file), parallel={"path": str(folder / "empty"), **section}))


def test_parallel_text_that_is_missing_or_empty(folder: Path) -> None:
    assert "no parallel text eng_Latn-deu_Latn" in only(completed(folder)).text
    (folder / "empty/en-de.tsv").write_text("")
    assert "no pair of sentences in it" in only(completed(folder)).text
    (folder / "empty/en-de.tsv").write_text("A dog.\tEin Hund.\n")
    assert completed(folder) == []


def test_numbers_of_pairs_for_each_language(folder: Path) -> None:
    (folder / "empty/en-de.tsv").write_text("A dog.\tEin Hund.\n")
    assert completed(folder, rows={"de": 5}) == []
    lacking = only(completed(folder, rows={"ja": 5}))
    assert lacking.key == "parallel.rows" and "for deu_Latn" in lacking.text
    assert only(completed(folder, rows=None, allocation=str(folder / "no.json"))).key == "parallel.allocation"


def test_evaluation_sets_that_are_not_there(folder: Path) -> None:
    against = [str(folder / "rows.json"), str(folder / "nowhere"), "s3://bucket/set"]
    assert str(only(mixture(run(folder, leakage={"against": against})))) == (
        f"leakage.against: {folder}/nowhere: no such file or folder"
    )


def test_native_rows(folder: Path) -> None:
    file = folder / "native.yaml"
    file.write_text("subsets: {own: {task: native}}\n")
    assert only(mixture(run(folder, recipe=str(file)))).key == "native"
    rows = {"path": str(folder / "rows.json"), "language": "de"}
    assert mixture(run(folder, recipe=str(file), native=[rows])) == []
    wrong = [rows, {"path": str(folder / "no.json"), "language": "de"}, {"path": str(folder / "rows.json")}]
    assert [problem.key for problem in mixture(run(folder, recipe=str(file), native=wrong))] == [
        "native.1.path",
        "native.2.language",
    ]
