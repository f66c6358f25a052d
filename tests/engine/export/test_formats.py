"""One sample in every format, and what a format cannot hold."""

from typing import Any

import pytest

from polydistill.engine.export.formats import FORMATS, alpaca, chat, prompt_completion, sharegpt
from polydistill.engine.export.samples import Sample
from polydistill.engine.prompts.conversation import HERE, Turn

PLAIN = Sample("0a", "deu_Latn", None, None, "Frage?", "Text.", "Antwort.")
TALK: list[Any] = [
    {"role": "user", "content": "Hi", "payload": None},
    {"role": "assistant", "content": "Ho", "payload": None},
]
CALL: Any = {"role": "assistant", "content": None, "payload": '{"tool_calls": [1]}'}


def sample(system: str | None = None, history: list[Turn] | None = None, text: str = "") -> Sample:
    return Sample("0a", "deu_Latn", system, history, "Frage?", text, "Antwort.")


def test_a_question_in_every_format() -> None:
    assert alpaca(PLAIN) == {"instruction": "Frage?", "input": "Text.", "output": "Antwort."}
    assert prompt_completion(PLAIN) == {"prompt": "Frage?\n\nText.", "completion": "Antwort."}
    question, answer = chat(PLAIN)["messages"]
    assert question == {"role": "user", "content": "Frage?\n\nText."}
    assert answer == {"role": "assistant", "content": "Antwort."}
    assert sharegpt(PLAIN) == {
        "id": "0a",
        "conversations": [{"from": "human", "value": "Frage?\n\nText."}, {"from": "gpt", "value": "Antwort."}],
    }


def test_an_input_that_is_empty_leaves_no_space() -> None:
    assert prompt_completion(sample()) == {"prompt": "Frage?", "completion": "Antwort."}
    assert chat(sample())["messages"][0]["content"] == "Frage?"


def test_a_conversation_keeps_its_turns_and_their_order() -> None:
    talk = sample("Be kind.", TALK)
    turns = chat(talk)["messages"]
    assert [(turn["role"], turn["content"]) for turn in turns] == [
        ("system", "Be kind."),
        ("user", "Hi"),
        ("assistant", "Ho"),
        ("user", "Frage?"),
        ("assistant", "Antwort."),
    ]
    assert [turn["from"] for turn in sharegpt(talk)["conversations"]] == ["system", "human", "gpt", "human", "gpt"]
    row = alpaca(talk)
    assert row is not None and row["system"] == "Be kind." and row["history"] == [["Hi", "Ho"]]


@pytest.mark.parametrize("history", [[CALL], TALK[:1], TALK[::-1], [TALK[0], CALL], [*TALK, HERE]])
def test_pairs_of_texts_hold_no_other_conversation(history: list[Turn]) -> None:
    assert alpaca(sample(history=history)) is None
    assert chat(sample(history=history))["messages"][-1] == {"role": "assistant", "content": "Antwort."}


def test_a_prompt_and_a_completion_hold_no_conversation() -> None:
    assert prompt_completion(sample("Be kind.")) is None and prompt_completion(sample(history=TALK)) is None


def test_other_keys_of_a_turn_stay() -> None:
    turns = sharegpt(sample(history=[CALL]))["conversations"]
    assert {"from": "gpt", "value": None, "tool_calls": [1]} in turns


def test_names_that_share_a_format() -> None:
    assert FORMATS["llamafactory"] is FORMATS["alpaca"] and FORMATS["axolotl"] is FORMATS["messages"]
