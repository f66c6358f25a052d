"""Reasoning traces: what a model thinks before it answers is no part of its answer.

The marks are those of the model cards and of vLLM's reasoning parsers (vllm/reasoning, 0.32): DeepSeek-R1, Qwen and
most others write <think>, Seed-OSS <seed:think>, MiniMax <mm:think>, Magistral [THINK], Command A <|START_THINKING|>,
OpenThoughts <|begin_of_thought|>, Gemma 4 a channel `thought`, and gpt-oss the channels `analysis` and `commentary`
before `final`.
"""

import functools
import re

from polydistill.engine.text.patterns import any_of

_NAME = r"(?:\w+[:|])?(?:think|thinking|thought|reasoning|reflection)(?:[:_]\w+)?"
_CHANNEL = r"<\|channel\|>(?:analysis|commentary)\b[^<]*<\|message\|>"
_NEXT = r"(?:<\|end\|>)?(?:<\|start\|>assistant)?"  # between two messages of gpt-oss
_OPENING = rf"<{_NAME}>|\[THINK\]|<\|begin_of_thought\|>|<\|START_THINKING\|>|<\|channel>thought\b|{_CHANNEL}"
_CLOSING = (
    rf"</{_NAME}>|\[/THINK\]|<\|end_of_thought\|>|<\|END_THINKING\|>|<channel\|>"
    rf"|{_NEXT}<\|channel\|>final\b[^<]*<\|message\|>"
)
_FURTHER = re.compile(_NEXT + _CHANNEL)
_OPEN, _CLOSE = re.compile(rf"\s*(?:{_OPENING})", re.IGNORECASE), re.compile(_CLOSING, re.IGNORECASE)
_TOKEN = re.compile(rf"<\|channel\|?>|{_OPENING}|{_CLOSING}", re.IGNORECASE)
_any_of = functools.lru_cache(maxsize=8)(any_of)

MARKS = rf"(?i){_OPENING}|{_CLOSING}"
"""Found in every text with a trace, and in few others: for a fast look through many."""


def is_mark(token: str) -> bool:
    """Whether a control token is one of those that mark reasoning."""
    return _TOKEN.fullmatch(token) is not None


def cut_reasoning(text: str, control: tuple[str, ...] = ()) -> tuple[str, str | None, bool]:
    """Divide generated text into answer and reasoning.

    A trace stands at the text's beginning. Its opening mark may be missing, since some templates write it themselves.

    Args:
        text: What the model generated.
        control: Texts of control tokens, longest first, left out of both. They are in the text where it was generated
            with them.

    Returns:
        The answer, stripped. The reasoning, or None where there is none. Whether the trace ended: where it did not,
        the whole text is reasoning and the answer is "".
    """

    def plain(part: str) -> str:
        return _any_of(control).sub("", part).strip()

    opened, closed = _OPEN.match(text), _CLOSE.search(text)
    start = opened.end() if opened else 0
    if opened and not closed:
        return "", plain(_FURTHER.sub("\n", text[start:])), False
    if not closed or (not opened and _OPEN.search(text[: closed.start()])):
        return plain(text), None, True
    return plain(text[closed.end() :]), plain(_FURTHER.sub("\n", text[start : closed.start()])) or None, True
