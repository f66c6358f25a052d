"""The words of texts, and spans in them that nothing may change."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import regex
from icu4py.breakers import WordBreaker

from polydistill.engine.languages import get_language
from polydistill.engine.scripts import UNSPACED_UNICODE
from polydistill.engine.text.code_lines import code_lines
from polydistill.engine.text.kernels import words as kernels
from polydistill.engine.text.profile import text_buffers
from polydistill.engine.text.spans import find

_UNSPACED = "".join(rf"\p{{{name}}}" for name in sorted(UNSPACED_UNICODE))
# Letters, marks and digits, joined by apostrophes, hyphens and the joiners of Persian and Indic scripts inside a word:
# "don't" and "well-known" are words of their own, not "don" and "well".
_CLASSES = {
    kernels.LETTER: r"[\p{L}\p{M}\p{N}\u200C\u200D]",
    kernels.JOINER: r"['’\-]",
    kernels.CAPITAL: r"[\p{Lu}\p{Lt}]",
    kernels.SPACED: rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}ー]]",
}
_SIZE = 0x32400  # code points beyond belong to no word: private use, variation selectors and the like
# What code, URLs and other protected spans need somewhere; most texts have none of it. \b is ASCII's: with Unicode's,
# the regex engine falls back to its slowest form on every text that is not ASCII.
_HINT = (
    r"[`\\@{}<$%&=;(]|://|[A-Za-z0-9]\.[A-Za-z]|/[\w.-]+/"
    r"|(?m:^)\s*(?:import|from|class|return|else|try|SELECT|CREATE|FROM|WHERE|pip|git|sudo|docker|npm)(?-u:\b)"
)
_FENCE = re.compile(r"```.*?(?:```|\Z)|^~~~.*?(?:^~~~|\Z)|\$\$.+?\$\$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Words:
    """Texts laid end to end as UTF-8, and the words in them that may be changed, in order."""

    data: np.ndarray  # uint8, the bytes
    offsets: np.ndarray  # int64, texts + 1: where each text begins, in bytes
    start: np.ndarray  # int64, words: first byte
    end: np.ndarray  # int64, words: behind the last byte
    row: np.ndarray  # int64, words: the text it stands in
    piece: np.ndarray  # int64, words: changes from text to text, and at every protected span
    unspaced: bool  # the language puts no spaces between words


@dataclass(frozen=True)
class Characters:
    """Per code point: what it is (`engine.text.kernels.words`' bits), itself, and its lower case."""

    flags: np.ndarray
    same: np.ndarray
    lower: np.ndarray


@functools.cache
def characters() -> Characters:
    """The tables, made from the Unicode data that Python and `regex` carry."""
    everything = "".join(chr(c) if not 0xD800 <= c < 0xE000 else " " for c in range(_SIZE))
    flags, same = np.zeros(_SIZE, np.uint8), np.arange(_SIZE, dtype=np.uint32)
    lower = np.array([ord(c.lower()) if len(c.lower()) == 1 else ord(c) for c in everything], np.uint32)
    flags[[c.upper() != c for c in everything]] |= kernels.CASED
    for flag, pattern in _CLASSES.items():
        for match in regex.finditer(f"(?V1){pattern}+", everything):
            flags[match.start() : match.end()] |= flag
    return Characters(flags, same, lower)


def find_words(texts: pa.Array, flores: str) -> Words:
    """The words of `texts` (no nulls), outside of code, URLs and other spans that `engine.text.spans` finds."""
    data, offsets = text_buffers(texts)
    unspaced = not get_language(flores).writing.space_between_words  # ICU has dictionaries for these
    start, end, row = _segments(texts, offsets, get_language(flores).locale) if unspaced else _cut(data, offsets)
    spans = _spans(texts, offsets)
    piece = row + np.searchsorted(spans[0], start)
    free = np.searchsorted(spans[0], end) == np.searchsorted(spans[1], start, side="right")  # overlaps none
    if not free.all():
        start, end, row, piece = (values[free] for values in (start, end, row, piece))
    return Words(data, offsets, start, end, row, piece, unspaced)


def _cut(data: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First byte, end and text of every word."""
    most = int(offsets[-1] - offsets[0] + len(offsets)) // 2 + 1  # something stands between any two words of a text
    start, end, row = (np.empty(most, np.int64) for _ in range(3))
    found = kernels.cut(data, offsets, characters().flags, start, end, row)
    return start[:found].copy(), end[:found].copy(), row[:found].copy()


def _segments(texts: pa.Array, offsets: np.ndarray, locale: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same by ICU; punctuation counts as words, which no dictionary holds."""
    sizes: list[int] = []
    counts = []
    for text in texts.to_pylist():
        before = len(sizes)
        sizes += [len(word.encode()) for word in WordBreaker(text, locale)] if text else ()
        counts.append(len(sizes) - before)
    lengths = np.array(sizes, np.int64)
    end = offsets[0] + np.cumsum(lengths)  # segments cover all of the text
    return end - lengths, end, np.repeat(np.arange(len(texts)), np.array(counts, np.int64))


def _spans(texts: pa.Array, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First byte and end of every protected span."""
    found: list[tuple[int, int]] = []
    for row in pl.Series(texts).str.contains(_HINT).arg_true().to_list():
        text, base = texts[row].as_py(), int(offsets[row])
        for start, stop in protected(text):
            first = base + len(text[:start].encode())
            found.append((first, first + len(text[start:stop].encode())))
    starts, ends = np.array(found, np.int64).reshape(-1, 2).T
    return starts, ends


def protected(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of everything in `text` that is no prose: fenced blocks, lines of code, URLs, placeholders, ..."""
    end = 0
    for block in _FENCE.finditer(text):
        yield from _inline(text[end : block.start()], end)
        yield block.span()
        end = block.end()
    yield from _inline(text[end:], end)


def _inline(text: str, offset: int) -> Iterator[tuple[int, int]]:
    lines = text.split("\n")
    for line, code in zip(lines, code_lines(lines)):
        if code:
            yield offset, offset + len(line)
        else:
            yield from ((offset + start, offset + stop) for start, stop in find(line))
        offset += len(line) + 1
