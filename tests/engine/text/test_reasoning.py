"""Reasoning traces."""

import pytest

from polydistill.engine.text.reasoning import cut_reasoning, is_mark

ANALYSIS, FINAL = "<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"
CONTROL = ("<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|return|>", "<turn|>", "[THINK]")
CONTROL += ("<|START_RESPONSE|>", "<|END_RESPONSE|>")


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
        ("<seed:think>a</seed:think>b", "b", "a", True),
        ("<ifm|think_fast>a</ifm|think_fast>b", "b", "a", True),
        ("<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>b<|END_RESPONSE|>", "b", "a", True),
        ("<|channel>thought\na<channel|>b<turn|>", "b", "a", True),
        ("<|channel>thought\n<channel|>b", "b", None, True),
        (f"{ANALYSIS}a{FINAL}b<|return|>", "b", "a", True),
        (f"{ANALYSIS}a<|end|><|start|>assistant{ANALYSIS}c{FINAL}b", "b", "a\nc", True),
        ("<|channel|>final<|message|>b", "b", None, True),
        (f"{ANALYSIS}a", "", "a", False),
        ("b<|return|>", "b", None, True),
    ],
)
def test_traces_are_cut_off(text: str, answer: str, reasoning: str | None, ended: bool) -> None:
    assert cut_reasoning(text, CONTROL) == (answer, reasoning, ended)


def test_control_tokens_that_mark_reasoning_are_told_from_others() -> None:
    marks = [
        "[THINK]",
        "[/THINK]",
        "<|channel|>",
        "<|channel>",
        "<channel|>",
        "<seed:think>",
        "</seed:think>",
        "<think>",
    ]
    assert all(map(is_mark, marks))
    assert not any(
        map(is_mark, ["<s>", "</s>", "<|im_end|>", "[INST]", "<|message|>", "<|think_about|>", "<tool_call>"])
    )
