from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.judging.turns import append, fold, unfold
from polydistill.engine.schema import FIELDS, GENERATED, JUDGED, POOL, SCORES

CALL = '{"tool_calls": [{"function": {"name": "weather", "arguments": "{}"}}]}'
TALK = [
    {"role": "user", "content": "Hello!", "payload": None},
    {"role": "assistant", "content": None, "payload": CALL},
    {"role": "tool", "content": '{"degrees": 7}', "payload": '{"tool_call_id": "1"}'},
    {"role": "assistant", "content": "It is 7 degrees.", "payload": None},
]


def rows(*talks: tuple[str | None, list[dict[str, Any]] | None]) -> pa.Table:
    made = [
        {
            **{"id": f"{i:016x}", "source": "eng_Latn", "origin": f"a.json:{i}", "instruction": "And tomorrow?"},
            **{"input": "", "truth": "8 degrees.", "system": system, "history": history},
        }
        for i, (system, history) in enumerate(talks)
    ]
    return pa.Table.from_pylist(made, schema=GENERATED)


def judged(table: pa.Table, bad: str | None = None) -> pa.Table:
    """As translation and judging leave it: every text in capitals; the instruction `bad` is off target."""
    made = []
    for row in table.to_pylist():
        made.append({**row, "target": "deu_Latn", "reason": None})
        for name in FIELDS:
            text = row[name]
            made[-1] |= {f"mt_{name}": text.upper() if text else None, f"notes_{name}": [] if text else None}
            made[-1][f"scores_{name}"] = dict.fromkeys(SCORES.names) | {"flags": []} if text else None
            off = bad is not None and name == "instruction" and text == bad
            made[-1][f"reason_{name}"] = "off_target" if off else None
            made[-1]["reason"] = f"{name}:off_target" if off else made[-1]["reason"]
    return pa.Table.from_pylist(made, schema=JUDGED)


def test_rows_without_a_conversation_are_left_alone() -> None:
    table = rows((None, None), (None, None))
    assert append(table) is table
    pool = fold(judged(table))
    assert pool.schema == POOL and pool.num_rows == 2
    assert pool["mt_history"].null_count == pool["mt_system"].null_count == 2


def test_each_text_of_a_conversation_becomes_a_row() -> None:
    table = append(rows((None, None), ("Be brief.", TALK)))
    assert table["instruction"].to_pylist()[2:] == ["Be brief.", "Hello!", "It is 7 degrees."]
    assert table["origin"].to_pylist()[2:] == ["a.json:1#system", "a.json:1#turn0", "a.json:1#turn3"]
    assert table["truth"].to_pylist()[2:] == ["", "", ""] and table["self"].to_pylist()[2:] == [None] * 3


def test_translations_return_to_their_turns_and_what_is_data_stays_as_it_is() -> None:
    pool = fold(judged(append(rows((None, None), ("Be brief.", TALK)))))
    assert pool.num_rows == 2
    row = pool.to_pylist()[1]
    assert row["mt_system"] == "BE BRIEF." and row["history"] == TALK
    assert row["mt_history"] == ["HELLO!", None, '{"degrees": 7}', "IT IS 7 DEGREES."]
    assert row["notes_history"] == [[], None, None, []] and row["reason"] is None


@pytest.mark.parametrize(
    ("bad", "reason"),
    [("Be brief.", "system:off_target"), ("It is 7 degrees.", "history:off_target"), ("other", None)],
)
def test_a_turn_that_cannot_be_used_costs_the_row_with_its_reason(bad: str, reason: str | None) -> None:
    pool = fold(judged(append(rows(("Be brief.", TALK), (None, None))), bad=bad))
    assert pool["reason"].to_pylist() == [reason, None]
    (system, _), (history, _) = pool["reason_system"].to_pylist(), pool["reason_history"].to_pylist()
    assert (system, history[3]) == (
        "off_target" if bad == "Be brief." else None,
        "off_target" if bad == "It is 7 degrees." else None,
    )


def test_what_became_of_a_row_without_rescue_counts_its_turns() -> None:
    table = judged(append(rows(("Be brief.", TALK), (None, TALK), (None, None))))
    without = [
        None if text == "And tomorrow?" else "instruction:low_quality" for text in table["instruction"].to_pylist()
    ]
    before = [reason if row == 3 else None for row, reason in enumerate(without)]
    for name, reasons in (("reason_without_rescue", without), ("reason_without_fallback", before)):
        table = table.append_column(name, pa.array(reasons, pa.string()))
    pool = fold(table)
    assert pool["reason"].to_pylist() == [None, None, None]
    assert pool["reason_without_rescue"].to_pylist() == ["system:low_quality", "history:low_quality", None]
    assert pool["reason_without_fallback"].to_pylist() == ["system:low_quality", None, None]


turn = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "tool"]),
        "content": st.sampled_from([None, "", "Yes.", "No.", "{}"]),
        "payload": st.sampled_from([None, CALL]),
    }
)


@given(st.lists(st.tuples(st.sampled_from([None, "Be brief."]), st.none() | st.lists(turn, max_size=5)), max_size=4))
def test_unfolding_gives_back_what_was_folded(talks: list[tuple[str | None, list[dict[str, Any]] | None]]) -> None:
    before = judged(append(rows(*talks)))
    pool = fold(before)
    assert pool.num_rows == len(talks)
    assert fold(unfold(pool)).equals(pool)
    columns = ["id", "origin", "instruction", "mt_instruction", "notes_instruction", "scores_instruction"]
    assert unfold(pool).select(columns).to_pylist() == before.select(columns).to_pylist()
