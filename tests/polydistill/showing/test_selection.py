"""Which rows `polydistill show` draws from which artifact."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from polydistill.engine.config import Student
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.generation.answers import AnswerFigures, Answers, answered
from polydistill.engine.generation.selection import Candidate
from polydistill.engine.prompts.artifact import open_prompts, write_prompts
from polydistill.engine.schema import MIXTURE, PROMPT
from polydistill.engine.storage.run_folder import GENERATED
from polydistill.engine.storage.shards import Folder, write_table
from polydistill.eval.asking.answer_files import AnswerFolder
from polydistill.eval.question import Answer, Question
from polydistill.showing.artifacts import open_artifact
from polydistill.showing.selection import Selection, select
from tests.engine.mixture_fixture import write_mixture
from tests.engine.pool_fixture import row, write_run

HISTORY = [{"role": "assistant", "content": "Hello", "payload": None}]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Twelve rows in two languages, four a unit; in German three are unusable."""
    bad: dict[int, dict[str, Any]] = {
        1: {"reason": "instruction:low_quality", "reason_instruction": "low_quality"},
        6: {"reason_truth": "low_quality"},
        7: {"reason": "truth:off_target", "reason_truth": "off_target"},
        11: {"history": HISTORY, "reason": "history:low_quality", "reason_history": ["low_quality"]},
    }
    pools = {
        target: [row(i, target, **(bad.get(i, {}) if target == "deu_Latn" else {})) for i in range(12)]
        for target in ("deu_Latn", "jpn_Jpan")
    }
    return write_run(tmp_path_factory.mktemp("show") / "run", pools, unit_rows=4)


def origins(location: str, reason: str | None = None, **wanted: Any) -> list[int]:
    """Row numbers of everything that is selected."""
    artifact = open_artifact(location, dropped=reason is not None)
    group = select(artifact, Selection(reason=reason, count=100, **wanted))
    assert len(group.rows) == group.total
    return sorted(int(one.row["origin"].partition(":")[2]) for one in group.rows)


@pytest.mark.parametrize(
    ("reason", "numbers"),
    [
        ("low_quality", [1, 6, 11]),
        ("truth:low_quality", [6]),
        ("history:low_quality", [11]),
        ("off_target", [7]),
        ("kept", [0, 2, 3, 4, 5, 6, 8, 9, 10]),
        (None, list(range(12))),
    ],
)
def test_reasons_of_rows_and_texts(run: str, reason: str | None, numbers: list[int]) -> None:
    assert origins(run, reason, language="German") == numbers


def test_languages(run: str) -> None:
    assert origins(run) == sorted([*range(12)] * 2)
    assert origins(f"{run}/pool/jpn_Jpan") == origins(f"{run}/pool", language="ja") == [*range(12)]
    with pytest.raises(UserError, match=r"fra_Latn.*There: deu_Latn, jpn_Jpan"):
        origins(run, language="fr")


def test_a_reason_that_no_row_has_names_those_that_are_there(run: str) -> None:
    with pytest.raises(UserError, match=r"(?s)no row with.*instruction:low_quality 1.*truth:off_target 1"):
        origins(run, "low", language="de")


def test_prompts_and_the_dropped_ones(run: str) -> None:
    assert origins(f"{run}/prompts", language="en") == [*range(12)]
    with pytest.raises(UserError, match="no row with reason empty"):
        origins(f"{run}/prompts", "empty")
    dropped = pa.table({"origin": ["a:3", "a:4"], "reason": ["empty", "too_long"], "excerpt": ["", "x"]})
    prompts = open_prompts(Folder.of(run))
    shard = write_table(prompts.folder, "dropped.arrow", dropped)
    write_prompts(prompts.folder, replace(prompts.record, dropped_rows=shard))
    assert origins(f"{run}/prompts", "too_long") == [4]
    with pytest.raises(UserError, match="has no subset"):
        origins(f"{run}/prompts", subset="TT")


def test_answers(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {"deu_Latn": [row(i, "deu_Latn") for i in range(2)]})
    rows = [{name: row(i, "deu_Latn").get(name) for name in PROMPT.names} for i in range(2)]
    candidates = [[Candidate("Yes.", "stop", 2)], [Candidate("Yes and", "length", 9)]]
    table, _ = answered(pa.Table.from_pylist(rows, PROMPT), candidates, Student(model="m"), 1)
    Answers(Folder.of(run) / GENERATED).commit(0, table, AnswerFigures())
    assert origins(f"{run}/generated", "length") == [1]
    assert origins(f"{run}/generated", "kept") == [0]


def test_a_mixtures_subset_and_language(tmp_path: Path) -> None:
    rows = [
        {"id": f"{i:016x}", "subset": subset, "target": target, "instruction": "a", "response": "b", "weight": 1.0}
        for i, (subset, target) in enumerate([("TT", "deu_Latn"), ("LL", "deu_Latn"), ("TT", "jpn_Jpan")] * 3)
    ]
    table = pa.Table.from_pylist(rows, MIXTURE)
    artifact = open_artifact(write_mixture(tmp_path, table.slice(0, 4), table.slice(4)))
    group = select(artifact, Selection(subset="TT", language="de", count=2))
    assert group.total == 3 and {one.row["subset"] + one.row["target"] for one in group.rows} == {"TTdeu_Latn"}
    with pytest.raises(UserError, match=r"(?s)subset XX.*LL 3, TT 6"):
        select(artifact, Selection(subset="XX"))
    with pytest.raises(UserError, match="holds no reasons"):
        select(artifact, Selection(reason="low_quality"))


def test_an_evaluations_answers(tmp_path: Path) -> None:
    for model in ("base", "sdrrl/seed0"):
        for language in ("deu_Latn", "eng_Latn"):
            questions = [Question(f"{i}", language, "Where?") for i in range(3)]
            answers = [Answer("Here.", finish="length" if i == 2 else "stop") for i in range(3)]
            AnswerFolder.of(Folder.of(tmp_path), model).write(("mkqa", language), questions, answers, "f")
    assert select(open_artifact(str(tmp_path)), Selection()).total == 12
    group = select(open_artifact(str(tmp_path / "answers/sdrrl--seed0")), Selection("de", "length", "mkqa"))
    assert [one.row["id"] for one in group.rows] == ["2"]
    assert group.rows[0].part.labels == {"model": "sdrrl--seed0", "set": "mkqa", "language": "deu_Latn"}


def test_nothing_there_and_damage(run: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no rows here"):
        open_artifact(str(tmp_path))
    other = write_run(tmp_path / "run", {"deu_Latn": [row(0, "deu_Latn")]})
    (tmp_path / "run/pool/deu_Latn/000000.arrow").write_bytes(b"x")
    with pytest.raises(DamagedError, match="damaged"):
        select(open_artifact(other), Selection())
