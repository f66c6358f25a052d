"""Reasoning traces: what a model thinks before it answers is no part of its answer."""

import re

_NAMES = "think|thinking|thought|reasoning|reflection|seed:think"
_OPEN = re.compile(rf"\s*(?:<({_NAMES})>|\[(THINK)\]|<\|begin_of_(thought)\|>)", re.IGNORECASE)
_CLOSE = re.compile(rf"</(?:{_NAMES})>|\[/THINK\]|<\|end_of_thought\|>", re.IGNORECASE)

MARKS = rf"(?i)</?(?:{_NAMES})>|\[/?THINK\]|<\|(?:begin|end)_of_thought\|>"
"""Found in every text with a trace, and in few others: for a fast look through many."""


def cut_reasoning(text: str) -> tuple[str, str | None, bool]:
    """Divide generated text into answer and reasoning.

    A trace stands at the text's beginning. Its opening mark may be missing, since some templates write it themselves.

    Args:
        text: What the model generated.

    Returns:
        The answer, stripped. The reasoning, or None where there is none. Whether the trace ended: where it did not,
        the whole text is reasoning and the answer is "".
    """
    opened, closed = _OPEN.match(text), _CLOSE.search(text)
    if opened and not closed:
        return "", text[opened.end() :].strip(), False
    if not closed or (not opened and _OPEN.search(text[: closed.start()])):
        return text.strip(), None, True
    start = opened.end() if opened else 0
    return text[closed.end() :].strip(), text[start : closed.start()].strip() or None, True
