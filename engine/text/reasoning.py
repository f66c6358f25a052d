"""Reasoning traces: what a model thinks before it answers is no part of its answer.

The marks are those of the model cards and of vLLM's reasoning parsers (vllm/reasoning, 0.32): DeepSeek-R1, Qwen and
most others write <think>, Seed-OSS <seed:think>, MiniMax <mm:think>, Magistral [THINK], Command A <|START_THINKING|>,
OpenThoughts <|begin_of_thought|>, Gemma 4 a channel `thought`, and gpt-oss the channels `analysis` and `commentary`
before `final`.
"""

import functools
import re
from collections.abc import Sequence

_NAME = r"(?:\w+[:|])?(?:think|thinking|thought|reasoning|reflection)(?:[:_]\w+)?"
_OPENING = (
    rf"<{_NAME}>|\[THINK\]|<\|begin_of_thought\|>|<\|START_THINKING\|>|<\|channel>thought\b"
    r"|<\|channel\|>(?:analysis|commentary)\b[^<]*<\|message\|>"
)
_CLOSING = (
    rf"</{_NAME}>|\[/THINK\]|<\|end_of_thought\|>|<\|END_THINKING\|>|<channel\|>"
    r"|(?:<\|end\|>)?(?:<\|start\|>assistant)?<\|channel\|>final\b[^<]*<\|message\|>"
)
_FURTHER = re.compile(
    r"(?:<\|end\|>)?(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)\b[^<]*<\|message\|>"
)
_OPEN, _CLOSE = re.compile(rf"\s*(?:{_OPENING})", re.IGNORECASE), re.compile(_CLOSING, re.IGNORECASE)
_TOKEN = re.compile(rf"<\|channel\|?>|{_OPENING}|{_CLOSING}", re.IGNORECASE)

MARKS = rf"(?i){_OPENING}|{_CLOSING}"
"""Found in every text with a trace, and in few others: for a fast look through many."""


def is_mark(token: str) -> bool:
    """Whether a control token is one of those that mark reasoning."""
    return _TOKEN.fullmatch(token) is not None


def cut_reasoning(text: str, control: Sequence[str] = ()) -> tuple[str, str | None, bool]:
    """Divide generated text into answer and reasoning.

    A trace stands at the text's beginning. Its opening mark may be missing, since some templates write it themselves.

    Args:
        text: What the model generated.
        control: Texts of control tokens, left out of both. They are in the text where it was generated with them.

    Returns:
        The answer, stripped. The reasoning, or None where there is none. Whether the trace ended: where it did not,
        the whole text is reasoning and the answer is "".
    """
    opened, closed = _OPEN.match(text), _CLOSE.search(text)
    without = _any_of(tuple(control))
    if opened and not closed:
        return "", without.sub("", _FURTHER.sub("\n", text[opened.end() :])).strip(), False
    if not closed or (not opened and _OPEN.search(text[: closed.start()])):
        return without.sub("", text).strip(), None, True
    start = opened.end() if opened else 0
    reasoning = without.sub("", _FURTHER.sub("\n", text[start : closed.start()])).strip()
    return without.sub("", text[closed.end() :]).strip(), reasoning or None, True


@functools.lru_cache(maxsize=8)
def _any_of(texts: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(texts, key=len, reverse=True))) or "(?!)")
