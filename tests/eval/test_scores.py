"""metrics.json as an artifact: what a folder holds, and whether it is this evaluation's."""

import dataclasses
from pathlib import Path

import pytest

from polydistill.engine.errors import DamagedError
from polydistill.engine.storage.artifact import State
from polydistill.engine.storage.shards import Folder
from polydistill.eval.asking.answer_files import AnswerFolder
from polydistill.eval.question import Answer, Question
from polydistill.eval.scores import FILE, ArmResult, Effect, ModelRecord, Result, Scores, ScoresRecord, arm

RESULT = Result("base", "mkqa", "deu_Latn", "target", "f1", None, None, None, 0, True, "mean")
EFFECT = Effect("sft", 1.0, 0.5, 1.5, None, 0.0, 0.0, 0.01, 0.02)
ARM = ArmResult("sdrrl", "mkqa", "target", "f1", 2, [1.0, 2.0], 1.5, 0.7, 1.0, 2.0, ["deu_Latn"], True, EFFECT)
RECORD = ScoresRecord(
    fingerprint="mine", models={"base": ModelRecord("models/base", "weights")}, source="eng_Latn", targets=["deu_Latn"],
    confidence=0.95, evaluation={}, student={}, notes=[], headlines=[], results=[RESULT], averages=[], arms=[ARM],
    comparisons=[], likeness=[], accounting=[],
)  # fmt: skip


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    Scores.write(Folder.of(tmp_path), RECORD)
    assert Scores.open(str(tmp_path)).record == RECORD
    assert "NaN" not in (tmp_path / FILE).read_text()


def test_states(tmp_path: Path) -> None:
    place = Folder.of(tmp_path)
    assert Scores.state(place, "mine") == State.ABSENT
    answers = AnswerFolder.of(place, "base")
    answers.write(("mkqa", "deu_Latn"), [Question("q", "deu_Latn", "?")], [Answer("a")], "asked")
    assert Scores.state(place, "mine") == State.PARTIAL
    Scores.write(place, RECORD)
    assert Scores.state(place, "mine") == State.COMPLETE and Scores.state(place, "another's") == State.FOREIGN
    assert Scores.open(place).verify() == []
    (tmp_path / "answers/base/mkqa/deu_Latn.arrow").write_bytes(b"")
    assert len(Scores.open(place).verify()) == 1
    (tmp_path / FILE).write_text("{")
    assert Scores.state(place, "mine") == State.PARTIAL
    with pytest.raises(DamagedError, match=FILE):
        Scores.open(place)


def test_runs_of_an_arm() -> None:
    assert [arm(name) for name in ("base", "sdrrl/seed1", "sdrrl/seed0-lr5e-05")] == ["base", "sdrrl", "sdrrl"]
    assert (RECORD.baseline, RECORD.several_runs) == ("sft", True)
    single = dataclasses.replace(RECORD, arms=[dataclasses.replace(ARM, runs=1, effect=None)])
    assert (single.baseline, single.several_runs) == ("", False)
