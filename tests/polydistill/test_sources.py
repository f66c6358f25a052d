"""The files of published sources are those that the readers look for."""

import json
from pathlib import Path

import pytest

from polydistill.engine.config import Dictionaries, validate
from polydistill.engine.mixing.switching.dictionaries import load_dictionary
from polydistill.engine.pairs.find import find_corpora
from polydistill.eval.benchmark import names
from polydistill.eval.config import Eval
from polydistill.eval.data.sets import load_questions
from polydistill.sources import BENCHMARKS, DICTIONARIES, PARALLEL, PROMPTS

ROWS = {
    "belebele": json.dumps(
        {"flores_passage": "P", "question": "Q", "mc_answer1": "1", "mc_answer2": "2", "mc_answer3": "3",
         "mc_answer4": "4", "correct_answer_num": "1"}
    ),
    "flores": "A sentence.",
    "mgsm": "Two and two?\t4",
    "off_target": json.dumps([{"instruction": "Say it.", "output": "It."}]),
    "sib200": "index_id\tcategory\ttext\n1\tsports\tA ball.",
    "xcopa": json.dumps(
        {"premise": "P", "choice1": "a", "choice2": "b", "question": "cause", "label": 0, "idx": 0, "changed": False}
    ),
    "xlsum": json.dumps({"id": "1", "text": "A text.", "summary": "A summary."}),
}  # fmt: skip
"""A file of each benchmark with one question."""


def test_every_folder_and_its_license_is_in_the_docs() -> None:
    lines = (Path(__file__).parents[2] / "docs/data.md").read_text(encoding="utf-8").splitlines()
    for name, source in {**DICTIONARIES, **PARALLEL, **PROMPTS, **BENCHMARKS}.items():
        (row,) = [line for line in lines if line.startswith("| ") and f"`{name}`" in line.split("|")[1]]
        assert source.license in row or "its sources" in row


def test_every_benchmark_but_mlama_has_a_source() -> None:
    assert set(names()) - set(BENCHMARKS) == {"mlama"}


@pytest.mark.parametrize("name", ROWS)
def test_the_readers_find_what_is_fetched(name: str, tmp_path: Path) -> None:
    for wanted in BENCHMARKS[name].files("eng_Latn", ["ind_Latn"]):
        file = tmp_path / name / wanted.name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = ROWS[name] + "\n"
        if file.suffix == ".gz":
            import gzip

            file.write_bytes(gzip.compress(text.encode()))
        else:
            file.write_text(text)
    found = load_questions(validate(Eval, {"data": str(tmp_path), "tasks": [name], "targets": ["id"]}, "eval"))
    assert {entry.language for entry in found.sets} >= {"ind_Latn"}
    assert not [note for note in found.notes if "was not asked" in note]


@pytest.mark.parametrize("name", DICTIONARIES)
def test_dictionaries(name: str, tmp_path: Path) -> None:
    for wanted in DICTIONARIES[name].files("eng_Latn", ["deu_Latn"]):
        (tmp_path / wanted.name).write_text("dog\tHund\n" if wanted.name.startswith("en") else "Hund\tdog\n")
    section = Dictionaries(path=str(tmp_path))
    for pair in (("eng_Latn", "deu_Latn"), ("deu_Latn", "eng_Latn")):
        assert load_dictionary(section, *pair) is not None


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("opus100", ["cs-en/train.parquet"]),  # the hub sorts the codes
        ("alma", ["train.cs-en.cs", "train.cs-en.en"]),
    ],
)
def test_parallel_text(name: str, files: list[str], tmp_path: Path) -> None:
    wanted = PARALLEL[name].files("eng_Latn", ["ces_Latn"])
    assert [each.name for each in wanted] == files
    for each in wanted:
        (tmp_path / each.name).parent.mkdir(exist_ok=True)
        (tmp_path / each.name).touch()
    assert find_corpora(str(tmp_path), "eng_Latn", "ces_Latn", None)
