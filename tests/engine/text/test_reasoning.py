"""Reasoning traces."""

import pytest

from polydistill.engine.text.reasoning import cut_reasoning


@pytest.mark.parametrize(
    ("text", "answer", "reasoning", "ended"),
    [
        ("<think>\nIs it 4?\n</think>\n\nIt is 4.", "It is 4.", "Is it 4?", True),
        ("Is it 4?\n</think>\nIt is 4.", "It is 4.", "Is it 4?", True),  # the template opened the trace
        ("<think>\n\n</think>\n\nIt is 4.", "It is 4.", None, True),
        ("<think>Is it 4? Or", "", "Is it 4? Or", False),
        (" <Thinking>a</Thinking> b ", "b", "a", True),
        ("[THINK]a[/THINK]b", "b", "a", True),
        ("It is 4.", "It is 4.", None, True),
        ("Write <think> in HTML.", "Write <think> in HTML.", None, True),
        ("", "", None, True),
    ],
)
def test_traces_are_cut_off(text: str, answer: str, reasoning: str | None, ended: bool) -> None:
    assert cut_reasoning(text) == (answer, reasoning, ended)
