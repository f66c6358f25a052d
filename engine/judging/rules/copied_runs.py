"""Stretches of a hypothesis that stand word for word in its source: where half of a line stayed untranslated.

Language ID reads parts of a text and takes a half-translated line for whichever language it sees more of, and a line
in capitals for none. A stretch copied from the source is read by itself.
"""

import itertools
import re

LEAST_WORDS = 5
"""Minimum words of a stretch. Names have fewer."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_STRETCH = re.compile(rb"\x01{%d,}" % (LEAST_WORDS - 1))
_QUOTED = re.compile(
    r"\"[^\"\n]*\"|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»|「[^」\n]*」|(?<!\w)['‘][^'’\n]*['’](?!\w)|\w+://\S+"
)


def copied_runs(source: str, hypothesis: str) -> tuple[str, float]:
    """The words of `hypothesis` that stand in `source` in the same order, five or more at a time.

    What may stay as it is does not count: quotations, addresses, and titles, whose words begin with capitals.

    Returns:
        These stretches in lower case, and their share of the hypothesis' letters, 0 to 1.
    """
    words = _WORD.findall(_QUOTED.sub(" . ", hypothesis))
    pairs = set(itertools.pairwise(_WORD.findall(source.lower())))
    copied = bytes(pair in pairs for pair in itertools.pairwise(map(str.lower, words)))
    runs: list[str] = []
    for stretch in _STRETCH.finditer(copied):  # n pairs are n + 1 words
        own = words[stretch.start() : stretch.end() + 1]
        if not _is_title(own):
            runs += own
    if not runs:
        return "", 0.0
    letters = sum(map(len, _WORD.findall(hypothesis)))
    return " ".join(runs).lower(), sum(map(len, runs)) / letters


def _is_title(words: list[str]) -> bool:
    """Whether half of the words begin with a capital, although they are not capitals altogether."""
    capitals = sum(word[0].isupper() for word in words)
    return capitals >= len(words) / 2 and not all(word.isupper() for word in words)
