"""A model is loaded where something is left to ask, and asked that only."""

from pathlib import Path

import pytest

from polydistill.engine.config import Student
from polydistill.engine.storage.shards import Folder
from polydistill.eval.asking.answer_files import AnswerFolder
from polydistill.eval.asking.answerer import Asked
from polydistill.eval.asking.units import Done, Job, ask
from polydistill.eval.config import Task
from polydistill.eval.data.sets import Set
from polydistill.eval.question import Answer, Question

STUDENT = Student(model="unused")


class Echo:
    """Answers with the question's id; stops working at the question `fails`."""

    def __init__(self, fails: str = "") -> None:
        self.fails, self.asked, self.loaded, self.closed = fails, list[str](), 0, 0

    def make(self, path: str, student: Student) -> "Echo":
        self.loaded += 1
        return self

    def __call__(self, asked: Asked, /) -> list[Answer]:
        if any(question.id == self.fails for question in asked.questions):
            raise RuntimeError("the engine died")
        self.asked += [question.id for question in asked.questions]
        return [Answer(question.id) for question in asked.questions]

    def close(self) -> None:
        self.closed += 1


def unit(language: str, count: int) -> tuple[Set, str]:
    questions = [Question(f"{language}{i}", language, "?") for i in range(count)]
    return Set("mkqa", language, Task(task="mkqa"), questions, []), f"fingerprint of {language}"


def job(*counts: int) -> Job:
    return Job("base", "unused", tuple(unit(f"l{i}", count) for i, count in enumerate(counts)))


def test_parts_and_units_are_done_in_order(tmp_path: Path) -> None:
    model, what = Echo(), job(5, 2, 0)
    done = list(ask(what, STUDENT, Folder.of(tmp_path), model.make, part=2))
    assert [(each.language, each.part, each.answers) for each in done] == [
        ("l0", 0, 2), ("l0", 1, 2), ("l0", 2, 1), ("l1", 0, 2), ("l2", 0, 0),
    ]  # fmt: skip
    assert what.questions == 7 and len(model.asked) == 7 and (model.loaded, model.closed) == (1, 1)
    kept = AnswerFolder.of(Folder.of(tmp_path), "base").read(("mkqa", "l0"), "fingerprint of l0")
    assert kept == [Answer(f"l0{i}") for i in range(5)]


def test_what_is_on_disk_needs_no_model(tmp_path: Path) -> None:
    list(ask(job(3), STUDENT, Folder.of(tmp_path), Echo().make))
    again = Echo()
    assert list(ask(job(3), STUDENT, Folder.of(tmp_path), again.make)) == [Done("base", "mkqa", "l0", 0, 3)]
    assert again.loaded == again.closed == 0


def test_a_broken_engine_is_closed_and_its_whole_parts_stay(tmp_path: Path) -> None:
    broken, second = Echo(fails="l04"), Echo()
    with pytest.raises(RuntimeError, match="the engine died"):
        list(ask(job(6), STUDENT, Folder.of(tmp_path), broken.make, part=2))
    assert broken.closed == 1
    list(ask(job(6), STUDENT, Folder.of(tmp_path), second.make, part=2))
    assert second.asked == ["l04", "l05"]
