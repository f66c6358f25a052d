"""The Answers artifact: exactly what was committed, or made again."""

from pathlib import Path

import pytest

from polydistill.engine.config import Student
from polydistill.engine.errors import DamagedError
from polydistill.engine.generation.answers import AnswerFigures, Answers, answered, unanswered
from polydistill.engine.generation.selection import Candidate
from polydistill.engine.schema import GENERATED
from polydistill.engine.storage.shards import Folder
from tests.engine.generation.test_stage import prompts

STUDENT = Student(model="m", temperature=1.0, samples=2, select="matches_truth")


def made(folder: Path) -> Answers:
    answers = Answers(Folder.of(folder))
    pairs = [[Candidate("3", "stop", 5), Candidate("4", "stop", 6)], [Candidate("1", "stop", 5)] * 2]
    for unit in (0, 1):
        answers.commit(unit, *answered(prompts(2, "#### 4"), pairs, STUDENT, 20))
    return answers


def test_units_are_read_back_and_counted(tmp_path: Path) -> None:
    answers = made(tmp_path)
    assert answers.units() == {0, 1} and answers.verify() == []
    table = answers.table(0)
    assert table["self"].to_pylist() == ["4", None] and table["self_error"].to_pylist() == [None, "unverified"]
    kept = table["self_candidates"].to_pylist()[0]
    assert [(c["text"], c["score"]) for c in kept] == [("3", None), ("4", 1.0)]
    reasons = {"unverified": 2}
    assert answers.figures() == AnswerFigures(4, 2, 0, reasons, candidates=8, prompt_tokens=40, answer_tokens=42)


def test_answers_without_a_reward_are_not_chosen() -> None:
    student = Student(model="m", temperature=1.0, samples=2, select="quality", reward="r")
    pairs = [[Candidate("a", "stop", 1, reward=0.5), Candidate("b", "stop", 1, reward=0.75)]]
    pairs += [[Candidate("a", "stop", 1)] * 2, [Candidate("a", "length", 1)] * 2]
    rows, figures = answered(prompts(3), pairs, student, 0)
    assert rows["self"].to_pylist() == ["b", None, None]
    assert rows["self_error"].to_pylist() == [None, "unscored", "length"]
    assert figures.reasons == {"length": 1, "unscored": 1}
    assert [c["score"] for c in rows["self_candidates"].to_pylist()[0]] == [0.5, 0.75]


def test_a_damaged_unit_is_noticed_and_made_again(tmp_path: Path) -> None:
    answers = made(tmp_path)
    shard = tmp_path / "000001.arrow"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    answers = Answers(Folder.of(f"{tmp_path}/../{tmp_path.name}"))  # a path that this process has not compared yet
    assert answers.units() == {0} and len(answers.verify()) == 1
    with pytest.raises(DamagedError, match="000001"):
        answers.table(1)
    (tmp_path / "000000.json").write_text("{}")
    assert answers.units() == set() and len(answers.verify()) == 2


def test_a_run_without_a_student_has_no_own_answers() -> None:
    table = unanswered(prompts(2))
    assert table.schema.equals(GENERATED) and table["self"].null_count == 2
