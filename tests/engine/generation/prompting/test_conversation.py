"""A row's conversation."""

import pyarrow as pa

from polydistill.engine.generation.prompting.conversation import Message, conversation, conversations
from polydistill.engine.prompts.conversation import HERE


def test_the_question_stands_behind_the_history_or_at_its_mark() -> None:
    turns = [{"role": "user", "content": "A", "payload": None}, {"role": "assistant", "content": "B", "payload": None}]
    start, question = [Message("system", "S")], Message("user", "C", "1")
    assert conversation("C", "1", "S", turns) == [*start, Message("user", "A"), Message("assistant", "B"), question]
    call = {"role": "assistant", "content": None, "payload": "{}"}
    assert conversation("C", "1", None, [turns[0], HERE, call]) == [
        Message("user", "A"),
        question,
        Message("assistant", ""),
    ]
    assert question.text == "C\n\n1"


def test_a_question_that_was_asked_before_is_asked_again() -> None:
    said = (("user", "Go on."), ("assistant", "B"))
    turns = [{"role": role, "content": text, "payload": None} for role, text in said]
    asked = Message("user", "Go on.")
    assert conversation("Go on.", history=turns) == [asked, Message("assistant", "B"), asked]


def test_tables_may_lack_system_and_history() -> None:
    assert conversations(pa.table({"instruction": ["A"], "input": pa.nulls(1, pa.string())})) == [
        [Message("user", "A")]
    ]
