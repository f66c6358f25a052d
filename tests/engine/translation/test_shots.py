"""The parallel examples of self-translation: where they come from, and what is refused before a run."""

import json
from pathlib import Path

import pytest

from polydistill.engine.config import Translator
from polydistill.engine.errors import UserError
from polydistill.engine.translation.shots import Shots, check_shots

PAIRS = [(f"Text {number}.", f"Satz {number}.") for number in range(8)]


def write(folder: Path, name: str, pairs: list[tuple[str, str]]) -> None:
    (folder / name).write_text("\n".join("\t".join(pair) for pair in pairs), encoding="utf-8")


def check(folder: Path, marked: bool = False, targets: tuple[str, ...] = ("deu_Latn",)) -> None:
    check_shots(Translator(model="m", method="self", examples=str(folder)), marked, ["eng_Latn"], targets)


def test_examples_are_read_in_both_directions(tmp_path: Path) -> None:
    lines = ["a\tb\tc", "\t", *("\t".join(pair) for pair in PAIRS), "more\tmehr"]
    (tmp_path / "eng_Latn-deu_Latn.tsv").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    shots = Shots(str(tmp_path))
    assert shots.pairs("", "eng_Latn", "deu_Latn") == PAIRS
    assert shots.pairs("", "deu_Latn", "eng_Latn") == [(target, source) for source, target in PAIRS]


def test_a_field_takes_its_own_file_and_else_the_general_one(tmp_path: Path) -> None:
    write(tmp_path, "eng_Latn-deu_Latn.tsv", PAIRS)
    write(tmp_path, "eng_Latn-ind_Latn.tsv", PAIRS)
    rows = [{"source": f"One.\n#### {i}", "target": f"Eins.\n#### {i}"} for i in range(8)]
    lines = "\n".join(map(json.dumps, rows))
    (tmp_path / "eng_Latn-deu_Latn.truth.jsonl").write_text(lines, encoding="utf-8")
    shots = Shots(str(tmp_path))
    assert [shots.kind(field) for field in ("instruction", "input", "truth", "self")] == ["", "", "truth", "truth"]
    assert shots.pairs("truth", "eng_Latn", "deu_Latn")[1] == ("One.\n#### 1", "Eins.\n#### 1")
    assert shots.pairs("truth", "eng_Latn", "ind_Latn") == shots.pairs("", "eng_Latn", "deu_Latn") == PAIRS
    check(tmp_path, targets=("deu_Latn", "ind_Latn"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("eng_Latn-jpn_Jpan.tsv", "a\tb", r"has no eng_Latn-deu_Latn\.tsv"),
        ("eng_Latn-deu_Latn.tsv", "a\tb", "has 1 pairs, self-translation needs 8"),
        ("eng_Latn-deu_Latn.jsonl", '{"en": "a"}', r'expected {"source": \.\.\., "target"'),
        ("eng_Latn-deu_Latn.jsonl", "no JSON", r'expected {"source": \.\.\., "target"'),
    ],
)
def test_missing_and_damaged_examples_are_named_before_a_run(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        check(tmp_path)


def test_marked_inputs_need_an_example_with_marks_on_both_sides(tmp_path: Path) -> None:
    write(tmp_path, "eng_Latn-deu_Latn.tsv", PAIRS)
    with pytest.raises(UserError, match=r"needs <answer>.* Write them to eng_Latn-deu_Latn\.input\.tsv"):
        check(tmp_path, marked=True)
    write(tmp_path, "eng_Latn-deu_Latn.input.tsv", [*PAIRS[:7], ("In <answer>Rome</answer>.", "In Rom.")])
    with pytest.raises(UserError, match="on both sides"):
        check(tmp_path, marked=True)
    write(
        tmp_path,
        "eng_Latn-deu_Latn.input.tsv",
        [*PAIRS[:7], ("In <answer>Rome</answer>.", "In <answer>Rom</answer>.")],
    )
    check(tmp_path, marked=True)
