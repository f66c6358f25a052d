"""Texts and pairs of a table without repetition, and back to the cell that each stands in."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.engine.judging.distinct_texts import DistinctTexts, equals_input, row_flags
from polydistill.engine.schema import FIELDS, TRANSLATED
from polydistill.engine.text.profile import Profile, profile, script_groups
from tests.engine.pool_fixture import row

CELL = st.sampled_from(["a", "b", "", None])
ROWS = st.lists(st.fixed_dictionaries({f"{kind}{f}": CELL for f in FIELDS for kind in ("", "mt_")}), max_size=5)


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([row(i, "deu_Latn", **one) for i, one in enumerate(rows)], schema=TRANSLATED)


def measured(texts: DistinctTexts) -> Profile:
    return profile(texts.distinct, script_groups("deu_Latn"))


@settings(max_examples=30)
@given(ROWS)
def test_every_cell_finds_its_texts_again(rows: list[dict[str, Any]]) -> None:
    made = table(*rows)
    found = DistinctTexts.of(made)
    distinct = found.distinct.to_pylist()
    assert len(set(distinct)) == len(distinct)
    pairs = list(zip(found.texts(found.source).to_pylist(), found.texts(found.hypothesis).to_pylist()))
    assert len(set(pairs)) == len(pairs)
    for number, field in enumerate(FIELDS):
        for i, one in enumerate(rows):
            source, hypothesis = one[field], one[f"mt_{field}"]
            assert [distinct[cell] for cell in found.cells[number, :, i]] == [source or "", hypothesis or ""]
            assert found.active[number, i] == (bool(source) and hypothesis is not None)
            if found.active[number, i]:
                assert pairs[found.pair[number, i]] == (source, hypothesis)
    wanted = {(one[f], one[f"mt_{f}"]) for one in rows for f in FIELDS if one[f] and one[f"mt_{f}"] is not None}
    assert set(pairs) == wanted  # nothing is judged that nobody needs


@pytest.mark.parametrize(
    ("source", "answer", "mt_source", "mt_answer", "same"),
    [
        ("He go home.", "He goes home.", "Er geht heim.", "Er geht heim.", True),  # the mistake is gone
        ("He go home.", "He goes home.", "Er gehen heim.", "Er geht heim.", False),
        ("Rome", "Rome", "Rom", "Rom", False),  # the originals are the same as well
        ("lets go", "Lets go!", "los gehts", "Los gehts!", False),  # punctuation is what was asked for, and is there
        ("lets go", "Lets go!", "Los gehts!", "Los gehts!", True),
        ("", "Rome", None, "Rom", False),
    ],
)
def test_an_answer_that_became_its_input(
    source: str, answer: str, mt_source: str | None, mt_answer: str, same: bool
) -> None:
    texts = DistinctTexts.of(table({"input": source, "truth": answer, "mt_input": mt_source, "mt_truth": mt_answer}))
    assert equals_input(texts, measured(texts), FIELDS.index("truth")).tolist() == [same]


def test_notes_become_flags_and_cut_answers_are_marked() -> None:
    rows = [
        {"notes_self": ["error: out of memory"], "mt_self": None},
        {"notes_self": ["span_lost", "number_lost"], "self_error": "length"},
        {"self_error": "context"},
        {},
    ]
    made = table(*rows)
    texts = DistinctTexts.of(made)
    flags = row_flags(made, texts, measured(texts), FIELDS.index("self"))
    fired = {str(name): column.tolist() for name, column in flags.items()}
    assert fired["error"] == [True, False, False, False]
    assert fired["span_lost"] == fired["number_lost"] == [False, True, False, False]
    assert fired["source_truncated"] == [False, True, True, False]
    assert "source_truncated" not in row_flags(made, texts, measured(texts), FIELDS.index("truth"))
