"""Pool rows as mixing sees them: what a text is worth, and why it is not."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.config import Leakage
from polydistill.engine.errors import DamagedError
from polydistill.engine.mixing.leakage import Index
from polydistill.engine.mixing.texts import Rows, SourceTexts, TargetTexts, first, where
from polydistill.engine.mixing.texts import given as has_text
from polydistill.engine.schema import POOL
from tests.engine.pool_fixture import row

REASONS = st.lists(st.sampled_from([None, "a", "b"]), min_size=4, max_size=4)
SAID = "The sun has never been as warm as it is today."


def rows_of(*columns: dict[str, Any], evaluation: Index | None = None) -> Rows:
    """One row for each dictionary of what differs."""
    table = pa.Table.from_pylist([row(i, "deu_Latn", **one) for i, one in enumerate(columns)], schema=POOL)
    source = SourceTexts(table, evaluation)
    return Rows(source, TargetTexts(table, "deu_Latn", source))


def listed(reasons: pa.Array | None, rows: int) -> list[str | None]:
    return [None] * rows if reasons is None else reasons.to_pylist()


@given(st.lists(REASONS, max_size=4))
def test_the_first_reason_of_each_row_wins(columns: list[list[str | None]]) -> None:
    arrays = [None if not any(column) else pa.array(column, pa.string()) for column in columns]
    expected = [next(filter(None, reasons), None) for reasons in zip(*columns)] if columns else [None] * 4
    assert listed(first(*arrays), 4) == expected


def test_no_reason_at_all_costs_no_column() -> None:
    assert where(np.zeros(3, bool), "x") is None and where(pa.array([None, False]), "x") is None
    assert listed(where(pa.array([None, True]), "x"), 2) == [None, "x"]
    assert has_text(pa.array(["a", "", None])).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("columns", "name", "reason"),
    [
        ({}, "self", None),
        ({"self": None}, "self", "self:missing"),
        ({"self": "", "truth": ""}, "truth", "truth:missing"),
        ({"self_error": "length"}, "self", "self:length"),
        ({"self_error": "context"}, "self", "self:context"),
        ({"self": None, "self_error": "reasoning"}, "self", "self:reasoning"),
        ({"self": None, "self_error": "error: out of memory"}, "self", "self:error"),
        ({"self_error": "length"}, "truth", None),  # a cut answer of the student says nothing of the data's
    ],
)
def test_why_a_row_has_no_answer(columns: dict, name: str, reason: str | None) -> None:
    assert listed(rows_of(columns, {}).source.unanswered(name), 2) == [reason, None]


@pytest.mark.parametrize(
    ("columns", "name", "reason"),
    [
        ({}, "truth", None),
        ({"mt_truth": None}, "truth", "truth:untranslated"),
        ({"truth": "", "mt_truth": None}, "truth", None),  # nothing to translate
        ({"reason_truth": "low_quality"}, "truth", "truth:low_quality"),
        ({"reason_truth": "error", "mt_truth": None}, "truth", "truth:error"),  # the judge knows better
        ({"reason_truth": "low_quality"}, "self", None),
    ],
)
def test_why_a_translation_is_of_no_use(columns: dict, name: str, reason: str | None) -> None:
    assert listed(rows_of({}, columns).target.lost(name), 2) == [None, reason]


def test_an_answer_is_missed_on_the_side_that_is_asked() -> None:
    rows = rows_of({"reason_self": "copied"}, {"self": None, "mt_self": None})
    assert rows.answerless("self", "target").to_pylist() == ["self:copied", "self:missing"]
    assert rows.answerless("self", "source").to_pylist() == [None, "self:missing"]
    assert rows.texts("source").language == "eng_Latn" and rows.texts("target").language == "deu_Latn"


def test_conversations_are_translated_turn_by_turn_and_one_bad_turn_costs_the_row() -> None:
    turns = [{"role": r, "content": t, "payload": None} for r, t in (("user", "Hi"), ("assistant", "Ho"))]
    rows = rows_of(
        {},
        {"system": "Be kind.", "history": turns},
        {"history": turns, "reason_history": [None, "copied"]},
        {"system": "Be kind.", "reason_system": "off_target", "history": turns, "reason_history": ["copied", None]},
    )
    assert rows.target.conversation_lost().to_pylist() == [None, None, "history:copied", "system:off_target"]
    assert rows.target.history.to_pylist()[:2] == [
        None,
        [turn | {"content": f"de:{turn['content']}"} for turn in turns],
    ]
    assert rows.target.system.to_pylist()[:2] == [None, "de:Be kind."]
    assert rows_of({}).target.conversation_lost() is None


def test_texts_near_an_evaluation_set_are_named_wherever_they_stand(tmp_path: Path) -> None:
    (tmp_path / "held.jsonl").write_text(json.dumps({"question": SAID}) + "\n")
    index = Index.of(Leakage(against=[str(tmp_path / "held.jsonl")], ngram=8))
    turn = {"role": "user", "content": f"I said: {SAID}", "payload": None}
    columns = [{}, {"instruction": SAID}, {"mt_truth": SAID.upper()}, {"history": [turn]}, {"system": SAID}]
    rows = rows_of(*columns, evaluation=index)
    assert listed(rows.source.leaks("instruction"), 5) == [None, "leakage:instruction", None, None, None]
    assert listed(rows.target.leaks("truth"), 5) == [None, None, "leakage:truth", None, None]
    assert listed(rows.source.conversation_leaks(), 5) == [None] * 3 + ["leakage:history"] * 2
    assert rows_of({}).source.leaks("instruction") is None


def test_rows_of_another_unit_are_refused() -> None:
    tables = [pa.Table.from_pylist([row(i, "deu_Latn") for i in ids], schema=POOL) for ids in ((0, 1), (1, 0))]
    with pytest.raises(DamagedError, match="its rows are not those of the other languages"):
        TargetTexts(tables[1], "deu_Latn", SourceTexts(tables[0]))
