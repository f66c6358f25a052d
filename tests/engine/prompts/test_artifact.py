"""The artifact Prompts: what stands in a folder, what distinguishes two of them, and damage."""

import dataclasses
from pathlib import Path

import pytest

from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.prompts.artifact import (
    MANIFEST,
    Input,
    InputFile,
    PromptsRecord,
    differences,
    fingerprint_of,
    open_prompts,
    state,
)
from polydistill.engine.storage.artifact import State
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.run_folder import PROMPTS
from polydistill.engine.storage.shards import Folder
from tests.engine.pool_fixture import row, write_run

FILE = InputFile("a.jsonl", 100, 5, "c0ffee")
INPUT = Input([FILE], None, {}, "eng_Latn", {}, None, None, 1000)
RECORD = PromptsRecord(
    fingerprint_of([INPUT], 10, None), [INPUT], 10, None, [], 0, 0, {}, {}, {}, {}, {}
)  # what `differences` compares with
OTHERS = {
    "content of a.jsonl has changed": dataclasses.replace(INPUT, files=[dataclasses.replace(FILE, content="f00")]),
    "language of a.jsonl was eng_Latn, is deu_Latn": dataclasses.replace(INPUT, language="deu_Latn"),
    "limit of a.jsonl was None, is 3": dataclasses.replace(INPUT, limit=3),
    "sample of a.jsonl was None, is 3": dataclasses.replace(INPUT, sample=3),
    "key of a.jsonl was None, is en": dataclasses.replace(INPUT, key="en"),
    "max_chars of a.jsonl was 1000, is 5": dataclasses.replace(INPUT, max_chars=5),
    "columns of a.jsonl was {}, is {'answer': 'x'}": dataclasses.replace(INPUT, columns={"answer": "x"}),
    "calculator_marks of a.jsonl was True, is False": dataclasses.replace(INPUT, calculator_marks=False),
}


@pytest.fixture
def run(tmp_path: Path) -> Folder:
    return Folder.of(write_run(tmp_path / "run", {"deu_Latn": [row(i, "deu_Latn") for i in range(5)]}, unit_rows=2))


def test_units_are_read_in_order(run: Folder) -> None:
    prompts = open_prompts(run)
    assert [table.num_rows for table in prompts.tables()] == [2, 2, 1] and prompts.record.rows_kept == 5
    assert prompts.table(2)["instruction"].to_pylist() == ["Question 4?"]
    assert prompts.given(0, ["deu_Latn"]) == {} and prompts.verify() == []


@pytest.mark.parametrize("text", OTHERS)
def test_everything_that_decides_the_rows_changes_the_fingerprint_and_is_named(text: str) -> None:
    other = OTHERS[text]
    assert fingerprint_of([other], 10, None) != RECORD.fingerprint
    (said,) = differences(RECORD, [other], 10, None)
    assert text in said


def test_names_and_times_decide_nothing() -> None:
    moved = dataclasses.replace(INPUT, files=[dataclasses.replace(FILE, name="b.jsonl", time=9, bytes=1)])
    assert fingerprint_of([moved], 10, None) == RECORD.fingerprint
    assert differences(RECORD, [INPUT], 10, None) == []


def test_order_number_unit_size_and_seed_count() -> None:
    other = OTHERS["limit of a.jsonl was None, is 3"]
    made = [([INPUT], 10, None), ([INPUT], 11, None), ([INPUT], 10, 0), ([INPUT, other], 10, None)]
    made.append(([other, INPUT], 10, None))
    assert len({fingerprint_of(*one) for one in made}) == len(made)
    assert differences(RECORD, [INPUT, other], 11, 4) == [
        "work.unit_rows was 10, is 11",
        "the seed of the sample was None, is 4",
        "there were 1 sources, there are 2",
    ]


def test_state(run: Folder, tmp_path: Path) -> None:
    assert state(Folder.of(tmp_path / "nothing"), "") == State.ABSENT
    assert state(run, "") == State.COMPLETE and state(run, "other") == State.FOREIGN
    Path(run.join(f"{PROMPTS}/{MANIFEST}")).write_text("{")
    assert state(run, "") == State.PARTIAL
    with pytest.raises(UserError, match="no prompts here"):
        open_prompts(Folder.of(tmp_path / "nothing"))


def test_damage_is_found_and_names_the_way_out(run: Folder) -> None:
    prompts = open_prompts(run)
    path = Path(prompts.folder.join(prompts.record.units[1].path))
    content = bytearray(path.read_bytes())
    content[content.index(b"Question 2")] ^= 1
    path.write_bytes(content)
    (problem,) = prompts.verify()
    assert "000001.arrow" in problem
    with pytest.raises(DamagedError, match=r"000001\.arrow.* Run `polydistill synth` again"):
        list(prompts.tables())
    assert prompts.table(0).num_rows == 2  # the others are as they were
    path.unlink()
    assert len(prompts.verify()) == 1


def test_a_record_of_another_format_is_refused(run: Folder) -> None:
    folder = run / PROMPTS
    write_record(folder, MANIFEST, dataclasses.replace(read_record(folder, MANIFEST, PromptsRecord), format=1))
    with pytest.raises(DamagedError, match="format"):
        open_prompts(run)
