"""Spans that must not be translated, and numbers that must survive.

A *span* is a part of a text that means something only as it stands: code, URLs, e-mail addresses, LaTeX,
placeholders like {name} and <tag>, file names, emoji, characters of private use, USFM markers. Spans travel through a
translator as short *marks* such as [1], which models copy more often than long strings; `restore` puts them back and
says when a mark was lost.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

_SUFFIXES = (
    "py|ipynb|txt|csv|tsv|json|jsonl|xml|ya?ml|toml|html?|css|jsx?|tsx?|java|class|jar|cpp|hpp|cs|go|rs|rb|php|sh|bat|exe|"
    "dll|so|sql|db|md|rst|tex|pdf|docx?|xlsx?|pptx?|png|jpe?g|gif|svg|bmp|mp3|mp4|wav|avi|zip|gz|tar|log|ini|cfg|conf"
)
_DOMAINS = "com|org|net|edu|gov|info|io|dev|app|ai|co\\.uk"

# The rest of an address: up to white space, a bracket or a script without spaces, without closing punctuation.
_EAST = r"\u3000-\u9fff\uac00-\ud7af\uff00-\uffef"
_REST = rf"(?:[^\s<>\"'{_EAST}]*[^\W{_EAST}]|[^\s<>\"'{_EAST}]*[/#=&-])"

# Alternatives are tried in this order at each position, so that the longest kind of span comes first. Word
# characters are ASCII: in languages without spaces, letters directly touch a file name or an address.
# Emoji with their modifiers, joiners, flags and keycaps; characters of private use.
_PICTURE = r"[\u231a-\u23ff\u2600-\u27bf\u2b05-\u2b55\U0001f000-\U0001faff]"
_EMOJI = (
    rf"(?:{_PICTURE}(?:[\ufe0e\ufe0f\U000e0020-\U000e007f]|\u200d{_PICTURE})*+|[0-9#*]\ufe0f?\u20e3)++"
    r"|[\ue000-\uf8ff\U000f0000-\U0010fffd]++"
)

# Each pattern takes linear time on any text. An opening sign is never looked for inside a span that another one opened,
# repeats are possessive (++) where they cannot match otherwise, and names begin only where no name goes on.
_INLINE = [
    r"(?<!`)(?P<ticks>`++)[^\n]{1,2000}?(?<!`)(?P=ticks)(?!`)",  # inline code
    # LaTeX with delimiters
    r"\$\$[^$\n]++\$\$|\\\((?:[^\n\\]|\\(?![()]))++\\\)|\\\[(?:[^\n\\]|\\(?![\[\]]))++\\\]",
    # $...$ is LaTeX when it holds a command, an index or an equation, or is one symbol; else it is money.
    r"\$(?=[^\s$])(?=[^$\n]*[\\^_={]|[A-Za-z]\$)[^$\n]*(?<=[^\s])\$(?!\d)",
    r"\\[A-Za-z]+(?:\[[^\[\]\n]*\])?(?:\{(?:[^{}\n]|\{[^{}\n]*\})*\})+",  # \frac{a}{b}
    r"\\[cv] \d+[a-z]?(?:-\d+)?|\\\+?[A-Za-z]++\d*+\*?+(?!\.\w)",  # \alpha; USFM: \v 1, \add, \add*
    rf"(?:https?|ftp)://{_REST}",
    rf"(?<![A-Za-z0-9_.@/-])www\.[A-Za-z0-9-]+\.{_REST}",
    r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9_.+-]++@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
    rf"(?<![A-Za-z0-9_.@/-])(?:[A-Za-z0-9-]+\.)+(?:{_DOMAINS})(?![A-Za-z0-9_-])(?:/{_REST})?",
    r"<!--(?:(?!<!--|-->).)*+-->"
    r"|</?[A-Za-z][A-Za-z0-9:_-]*(?:\s+[A-Za-z:_-]+(?:\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))?)*\s*/?>",
    r"&(?:[a-z]{2,8}|#\d{1,6});",
    r"\$?\{\{?\s*[A-Za-z0-9_.:%|$-]+(?: [A-Za-z0-9_.:-]+){0,3}\s*\}?\}",  # {name}, {{ name }}, ${name}
    r"%\([A-Za-z_]+\)[sdf]|(?<![0-9% ])%[sd](?![A-Za-z])|(?<=\s)%[sd](?![A-Za-z])",
    r"(?<![A-Za-z0-9_/.-])(?:[A-Za-z]:\\(?:[\w.-]+\\)*[\w.-]+|(?:~|\.{1,2})?/(?:[A-Za-z0-9_.-]+/)+[A-Za-z0-9_.-]*[A-Za-z0-9_/-])",
    rf"(?<![A-Za-z0-9_./-])(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.(?:{_SUFFIXES})(?![A-Za-z0-9_-])",
    _EMOJI,
]
_SPAN = re.compile("|".join(_INLINE))
# What every kind of span needs somewhere: most texts have none of it and skip the search.
_HINT = re.compile(
    r"[`\\@{<\u20e3\u231a-\u23ff\u2600-\u27bf\u2b05-\u2b55\ue000-\uf8ff\U0001f000-\U0001faff\U000f0000-\U0010fffd]"
    r"|://|\$[^\s\d]|&[a-z#]|%[sd(]|/[\w.-]+/|[A-Za-z0-9]\.[A-Za-z]"
)


def find(text: str) -> list[tuple[int, int]]:
    """Start and end of every span in a line of text, in order, without overlap."""
    if _HINT.search(text) is None:
        return []
    return [match.span() for match in _SPAN.finditer(text)]


def mask(text: str, spans: Sequence[tuple[int, int]]) -> tuple[str, list[tuple[str, str]]]:
    """Replace spans by marks.

    Returns:
        The text with [1], [2], ... in place of the spans (numbers that the text has in brackets are left out),
        and for each mark (mark, span).
    """
    used = set(re.findall(r"\[(\d+)\]", text))
    numbers = (str(number) for number in range(1, len(used) + len(spans) + 1))
    parts, marks, end = [], [], 0
    free = (number for number in numbers if number not in used)
    for start, stop in spans:
        mark = f"[{next(free)}]"
        marks.append((mark, text[start:stop]))
        parts += [text[end:start], mark]
        end = stop
    return "".join(parts) + text[end:], marks


def restore(text: str, marks: Sequence[tuple[str, str]]) -> str | None:
    """Put the spans back; None when a mark does not stand in `text` exactly once."""
    # Full-width brackets and inner spaces are how models write the same mark in other scripts.
    text = _WRITTEN.sub(lambda match: f"[{int(match[1])}]", text)
    counts = Counter(_MARK.findall(text))
    if any(counts[mark] != 1 for mark, _ in marks):
        return None
    spans = dict(marks)
    return _MARK.sub(lambda match: spans.get(match[0], match[0]), text)


_MARK = re.compile(r"\[\d+\]")
_WRITTEN = re.compile(r"[\[［【]\s*(\d{1,4})\s*[\]］】]")


def missing(spans: Sequence[str], text: str) -> bool:
    """Whether a span is in `text` less often than it should be."""
    return any(text.count(span) < count for span, count in Counter(spans).items())


# 1,000.5 in any grouping and decimal sign, else any run of digits with decimals.
_NUMBER = re.compile(r"(?<!\d)\d{1,3}(?:[.,٫٬'’\u00a0\u202f ]\d{3})+(?!\d)(?:[.,٫]\d+)?|\d+(?:[.,٫]\d+)*")
_RUN = re.compile(r"\d+")
_NOT_DIGIT = re.compile(r"\D+")


def numbers_lost(source: str, hypothesis: str) -> bool:
    """Whether a number of the source is not in the hypothesis.

    Grouping, decimal sign and script do not matter: 1,000.5 and 1.000,5 and ١٠٠٠٫٥ are the same; nor does it when
    "1,2,3" comes back as "1, 2, 3".
    """
    return all(
        any(count > found[number] for number, count in wanted.items())
        for wanted, found in ((_numbers(source, kind), _numbers(hypothesis, kind)) for kind in (_NUMBER, _RUN))
    )


def _numbers(text: str, kind: re.Pattern[str]) -> Counter[str]:
    return Counter(_digits(match) for match in kind.findall(text))


def _digits(text: str) -> str:
    digits = _NOT_DIGIT.sub("", text)
    return digits if digits.isascii() else "".join(str(unicodedata.digit(digit)) for digit in digits)
