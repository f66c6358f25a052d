"""Prompts as text."""

from typing import Any

import pytest

from polydistill.engine.generation.prompting.conversation import Message
from polydistill.engine.generation.prompting.templates import Raw, render
from tests.engine.generation.tokenizers_fixture import make_tokenizer

_ALPACA = "Below is an instruction that describes a task. Write a response that appropriately completes the request."
_ALPACA_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request."
)


@pytest.mark.parametrize(
    ("template", "input", "expected"),
    [
        ("raw", "", "Add.\n"),
        ("raw", "1 2", "Add.\n\n1 2\n"),
        ("chat", "", "<|user|>\nAdd.</s>\n<|assistant|>\n"),
        ("chat", "1 2", "<|user|>\nAdd.\n\n1 2</s>\n<|assistant|>\n"),
        ("alpaca", "", f"{_ALPACA}\n\n### Instruction:\nAdd.\n\n### Response:\n"),
        ("alpaca", "1 2", f"{_ALPACA_INPUT}\n\n### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:\n"),
    ],
)
def test_prompts(template: Any, input: str, expected: str) -> None:
    assert render(template, "Add.", input, make_tokenizer(template="zephyr")) == expected


def test_braces_in_the_text_are_text() -> None:
    assert "\n{input} {0}\n" in render("alpaca", "{input} {0}", "{x}") and "\n{x}\n" in render("alpaca", "a", "{x}")


def test_turns_are_joined_by_an_empty_line() -> None:
    turns = [Message("system", "S"), Message("user", "A", "1"), Message("assistant", "B"), Message("user", "C")]
    assert Raw().prompt(turns) == "S\n\nA\n\n1\nB\n\nC\n"
    whole = Raw().whole([*turns, Message("assistant", "D")])
    assert [whole.text[a:b] for a, b in whole.written] == ["B", "D"] and not whole.closed
