"""Answers on disk: read only where they answer the same questions, and are whole."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.config import Student
from polydistill.engine.storage.shards import Folder
from polydistill.eval.asking.answer_files import AnswerFolder, slug, unit_fingerprint
from polydistill.eval.config import Task
from polydistill.eval.data.sets import Set
from polydistill.eval.question import Answer, Question

QUESTIONS = [Question(f"q{i}", "deu_Latn", "Frage?", gold=("Ja.",)) for i in range(3)]
ANSWERS = [Answer("Ja.", tokens=2, finish="stop"), Answer("", finish="length"), Answer("Nein.", logprob=-0.5)]
KEY = ("mkqa", "deu_Latn")


@pytest.fixture
def kept(tmp_path: Path) -> AnswerFolder:
    folder = AnswerFolder.of(Folder.of(tmp_path), "sdrrl/seed0")
    folder.write(KEY, QUESTIONS, ANSWERS, "asked")
    return folder


def test_answers_come_back_for_what_was_asked_only(kept: AnswerFolder) -> None:
    assert kept.folder.root.endswith("answers/sdrrl--seed0")
    assert kept.read(KEY, "asked") == ANSWERS
    assert kept.read(KEY, "asked otherwise") is None and kept.read(("mkqa", "jpn_Jpan"), "asked") is None
    assert kept.verify() == kept.damaged == []


def test_parts_last_until_the_unit_is_whole(kept: AnswerFolder) -> None:
    other = ("mkqa", "jpn_Jpan")
    for number in range(2):
        kept.write(other, QUESTIONS, ANSWERS, "asked", number)
    assert kept.read(other, "asked", 1) == ANSWERS and kept.read(other, "asked") is None
    kept.write(other, QUESTIONS * 2, ANSWERS * 2, "asked")
    assert kept.read(other, "asked", 1) is None and kept.read(other, "asked") == ANSWERS * 2
    assert kept.read(KEY, "asked") == ANSWERS  # another unit's files stay


@pytest.mark.parametrize("file", ["mkqa/deu_Latn.arrow", "mkqa/deu_Latn.json"])
def test_damage_is_told_and_counts_as_not_asked(file: str, kept: AnswerFolder) -> None:
    path = Path(kept.folder.root, file)
    path.write_bytes(path.read_bytes()[:-20])
    assert kept.read(KEY, "asked") is None
    (told,), (found,) = kept.damaged, kept.verify()
    assert "deu_Latn" in told and "deu_Latn" in found


def test_model_names_become_safe_folder_names() -> None:
    assert slug("sdrrl/seed1") == "sdrrl--seed1"
    assert slug("../../etc").startswith("_--..--etc-")
    assert "/" not in slug("a/b\\c:d")
    names = ["a/b", "a--b", "a/b/c", "a b", "a_b", ".a", "_a", "../..", ".."]
    assert len({slug(name) for name in names}) == len(names)


@given(st.lists(st.text(st.sampled_from("ab./-_ \\é"), min_size=1, max_size=6), min_size=2, max_size=2, unique=True))
def test_no_two_models_share_a_folder_and_none_leaves_its_place(names: list[str]) -> None:
    folders = [slug(name) for name in names]
    assert folders[0] != folders[1]
    assert all("/" not in folder and folder not in ("", ".", "..") for folder in folders)


def test_everything_that_decides_an_answer_is_in_the_fingerprint() -> None:
    entry, student = Set("mkqa", "deu_Latn", Task(task="mkqa"), QUESTIONS, []), Student(model="m")
    base = unit_fingerprint(entry, "weights", student)
    assert base == unit_fingerprint(replace(entry, questions=list(QUESTIONS)), "weights", Student(model="other path"))
    others = [
        unit_fingerprint(entry, "other weights", student),
        unit_fingerprint(entry, "weights", Student(model="m", prompt="raw")),
        unit_fingerprint(entry, "weights", Student(model="m", engine={"dtype": "float32"})),
        unit_fingerprint(replace(entry, questions=QUESTIONS[:2]), "weights", student),
        unit_fingerprint(replace(entry, shots=QUESTIONS[:1]), "weights", student),
        unit_fingerprint(replace(entry, task=Task(task="mkqa", max_tokens=7)), "weights", student),
    ]
    assert len({base, *others}) == 7
