"""Prompts, found wrong before anything expensive."""

from pathlib import Path

from polydistill.checks import data
from tests.polydistill.checks.runs import only, run


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
