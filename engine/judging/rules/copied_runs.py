"""Stretches of a hypothesis that stand word for word in its source: where half of a line stayed untranslated.

Language ID reads parts of a text and takes a half-translated line for whichever language it sees more of, and a line
in capitals for none. A stretch copied from the source is read by itself.
"""

import itertools
import re

LEAST_WORDS = 5
"""Minimum words of a stretch. Names have fewer."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_QUOTED = re.compile(
    r"\"[^\"\n]*\"|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»|「[^」\n]*」|(?<!\w)['‘][^'’\n]*['’](?!\w)|\w+://\S+"
)


def copied_runs(source: str, hypothesis: str) -> tuple[str, float]:
    """The words of `hypothesis` that stand in `source` in the same order, five or more at a time.

    What may stay as it is does not count: quotations, addresses, and titles, whose words begin with capitals.

    Returns:
        These stretches in lower case, and their share of the hypothesis' letters, 0 to 1.
    """
    originals = [word.lower() for word in _WORD.findall(source)]
    words = _WORD.findall(_QUOTED.sub(" . ", hypothesis))
    pairs = set(itertools.pairwise(originals))
    runs: list[str] = []
    start = 0
    for end in range(1, len(words) + 1):
        if end < len(words) and (words[end - 1].lower(), words[end].lower()) in pairs:
            continue
        if end - start >= LEAST_WORDS and not _is_title(words[start:end]):
            runs += words[start:end]
        start = end
    letters = sum(len(word) for word in _WORD.findall(hypothesis))
    return " ".join(runs).lower(), sum(map(len, runs)) / max(letters, 1)


def _is_title(words: list[str]) -> bool:
    """Whether half of the words begin with a capital, although they are not capitals altogether."""
    capitals = sum(word[0].isupper() for word in words)
    return capitals >= len(words) / 2 and not all(word.isupper() for word in words)
