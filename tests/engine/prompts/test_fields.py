import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.files.batch import Broken, Rows
from polydistill.engine.prompts.fields import FRAME, Fields, Notes


def frame(*values, given=None, **options):
    notes = Notes()
    fields = Fields("a.jsonl", given or {}, notes, **options)
    return fields.frame(Rows(list(range(1, len(values) + 1)), list(values))), notes


def texts(found) -> list[tuple]:
    return found.select("instruction", "input", "truth").rows()


def test_the_inputs_of_the_fault_list_keep_all_their_fields():
    for row in (
        {"instruction": "q", "input": "i", "response": "a"},
        {"question": "q", "context": "i", "answer": "a"},
        {"instruction": "q", "context": "i", "output": "a"},
        {"instruction": "q", "input": "i", "answer": "a"},
        {"question": "q", "context": "i", "answers": {"text": ["a"], "answer_start": [1]}},
        {"question": "q", "context": "i", "answers": [{"text": "a", "answer_start": 1}]},
        {"question": "q", "context": "i", "answers": ["a"]},
    ):
        found, notes = frame(row)
        assert texts(found) == [("q", "i", "a")] and notes == Notes(), row
        assert dict(found.schema) == FRAME
    found, _ = frame({"system_prompt": "s", "question": "q", "response": "a", "id": "niv.1"})
    assert found.select("system", "instruction", "truth", "key").rows() == [("s", "q", "a", "niv.1")]


def test_system_and_history_of_a_flat_row():
    found, _ = frame(
        {"instruction": "q", "output": "a", "system": "s", "history": [["x", "y"]]},
        {"instruction": "q", "output": "a", "system": "", "history": []},
    )
    turns = [{"role": "user", "content": "x", "payload": None}, {"role": "assistant", "content": "y", "payload": None}]
    assert found["history"].to_list() == [turns, None] and found["system"].to_list() == ["s", ""]


def test_conversations_fill_the_columns_or_have_a_reason():
    talk = [{"role": "system", "content": "s"}, {"role": "user", "content": "q", "name": "Ann"}]
    found, notes = frame(
        {"messages": [*talk, {"role": "assistant", "content": "a"}]},
        {"messages": talk},
        {"messages": [{"role": "wizard", "content": "a"}]},
        {"messages": None},
        {"messages": talk, "system": "first"},
    )
    assert found.select("system", "instruction", "truth", "reason").rows() == [
        ("s", "q", "a", None),
        ("s", "q", None, None),
        (None, None, None, "unknown_role"),
        (None, None, None, "bad_conversation"),
        ("first", "q", None, None),
    ]
    assert found["history"].to_list()[4] == [{"role": "system", "content": "s", "payload": None}]
    assert notes.unused == {"a.jsonl": {"messages[].name": 3}}


def test_numbers_and_lists_become_text_and_nothing_else_does():
    found, notes = frame(
        {"instruction": 7, "output": 4},
        {"instruction": "a", "output": 0.5},
        {"instruction": "a", "output": float("nan")},
        {"instruction": "a", "output": ["x", "y"]},
        {"instruction": "a", "output": []},
        {"instruction": "a", "output": True},
        {"instruction": ["a"], "output": "b"},
    )
    assert found.select("instruction", "truth", "reason").rows() == [
        ("7", "4", None),
        ("a", "0.5", None),
        ("a", None, "missing_field"),
        ("a", "x", None),
        ("a", None, "missing_field"),
        ("a", None, "wrong_type"),
        (None, "b", "wrong_type"),
    ]
    assert notes.changed == {"number": 3, "first_answer": 1}


def test_rows_that_cannot_be_read_have_a_reason_and_an_excerpt():
    found, _ = frame({"question": "q", "answer": "a"}, Broken("bad_json", "{oops"), [1], {}, {"question": "a\udcff"})
    assert found["reason"].to_list() == [None, "bad_json", "not_an_object", "missing_field", "bad_utf8"]
    assert found["excerpt"].to_list()[:3] == [None, "{oops", "[1]"]


def test_keys_may_appear_late_and_differ_from_row_to_row():
    notes = Notes()
    fields = Fields("a.jsonl", {}, notes)
    fields.frame(Rows([1], [{"instruction": "q", "output": "a"}]))
    rows = [{"instruction": "q", "input": "i", "output": "a"}, {"question": "q", "response": "a", "note": "n"}]
    assert texts(fields.frame(Rows([2, 3], rows))) == [("q", "i", "a"), ("q", None, "a")]
    assert notes.unused == {"a.jsonl": {"note": 1}}
    with pytest.raises(UserError, match=r"a\.jsonl:4: 'input' and 'context' could both be the input"):
        fields.frame(Rows([4], [{"instruction": "q", "input": "i", "context": "c", "output": "a"}]))


def test_the_language_of_each_row():
    rows = [{"question": "q", "answer": "a", "lang": lang} for lang in ("de", "Indonesian", "", "Klingon", None)]
    found, notes = frame(*rows)
    assert found["language"].to_list() == ["deu_Latn", "ind_Latn", None, None, None]
    assert found["reason"].to_list() == [None, None, None, "unknown_language", None] and not notes.unused
    found, notes = frame(*rows, by_row=False)  # the configuration says the language of all rows
    assert found["language"].null_count() == 5 and notes.unused == {"a.jsonl": {"lang": 3}}
    code = [{"question": "q", "answer": "a", "language": "Python"}]
    found, notes = frame(*code)
    assert found["reason"].to_list() == [None] and notes.unused == {"a.jsonl": {"language": 1}}


def test_texts_deep_inside_unused_columns_are_counted():
    row = {
        "question": "q",
        "answer": "a",
        "meta": {"x": [{"y": "text"}]},
        "score": 0.5,
        "tags": [],
        "vector": [1.0, 2.0],
    }
    assert frame(row, row)[1].unused == {"a.jsonl": {"meta": 2}}
