"""Texts as arrays of tokens: words, what stands between them, and spans that nothing may change."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from icu4py.breakers import WordBreaker

from engine.codelines import code_lines
from engine.languages import language
from engine.protect import find

UNSPACED = {"Jpan", "Hans", "Hant", "Thai", "Khmr", "Laoo", "Mymr"}
"""Scripts that put no spaces between words; ICU segments them with its dictionaries."""

# Letters, marks and digits, joined by apostrophes, hyphens and the joiners of Persian and Indic scripts inside a word:
# "don't" and "well-known" are words of their own, not "don" and "well".
_LETTER = r"\p{L}\p{M}\p{N}\x{200C}\x{200D}"
_TOKEN = rf"[{_LETTER}]+(?:['’\-][{_LETTER}]+)*|[^{_LETTER}]+"
# What code, URLs and other protected spans need somewhere; most texts have none of it.
_HINT = (
    r"[`\\@{}<$%&=;(]|://|[A-Za-z0-9]\.[A-Za-z]|/[\w.-]+/"
    r"|(?m:^)\s*(?:import|from|class|return|else|try|SELECT|CREATE|FROM|WHERE|pip|git|sudo|docker|npm)\b"
)
_FENCE = re.compile(r"```.*?(?:```|\Z)|^~~~.*?(?:^~~~|\Z)|\$\$.+?\$\$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Tokens:
    """Texts as token ids: text r is the join of vocabulary[ids[offsets[r]:offsets[r + 1]]]."""

    ids: np.ndarray  # int64, all tokens of all texts
    offsets: np.ndarray  # int64, rows + 1
    vocabulary: pl.Series  # distinct tokens
    open: np.ndarray  # bool, one per token: False for protected spans
    unspaced: bool  # the language puts no spaces between words

    @functools.cached_property
    def rows(self) -> np.ndarray:
        """The text that each token stands in: int64, one per token."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    @functools.cached_property
    def hashes(self) -> np.ndarray:
        """Hash of each token of the vocabulary."""
        return hashes(self.vocabulary)

    @functools.cached_property
    def folded_hashes(self) -> np.ndarray:
        """The same in lower case."""
        return hashes(self.vocabulary.str.to_lowercase())


def hashes(words: pl.Series) -> np.ndarray:
    """64-bit hashes, equal for equal words in all processes of one installation: uint64 (words,)."""
    return words.hash(seed=0).to_numpy()


def tokenize(texts: pl.Series, flores: str) -> Tokens:
    """Cut `texts` (no nulls) into words and what stands between them; protected spans are one token each.

    Spans are code, URLs and the like as `engine.protect` finds them.
    """
    unspaced = language(flores).script in UNSPACED
    pieces, rows, fixed = _pieces(texts)
    lists = _segmented(pieces, language(flores).locale) if unspaced else pieces.str.extract_all(_TOKEN)
    if fixed.any():
        whole = pieces.reshape((-1, 1)).arr.to_list()
        lists = pl.select(pl.when(pl.Series(fixed)).then(whole).otherwise(lists)).to_series()
    arrow = lists.to_arrow(compat_level=pl.CompatLevel.oldest())
    lengths = np.diff(arrow.offsets.to_numpy())
    encoded = arrow.flatten().dictionary_encode()
    counts = np.bincount(rows, weights=lengths, minlength=len(texts)).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    ids = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    vocabulary = pl.Series("word", encoded.dictionary, dtype=pl.String)
    return Tokens(ids, offsets, vocabulary, ~np.repeat(fixed, lengths), unspaced)


def _segmented(texts: pl.Series, locale: str) -> pl.Series:
    return pl.Series([list(WordBreaker(text, locale)) if text else [] for text in texts], dtype=pl.List(pl.String))


def _pieces(texts: pl.Series) -> tuple[pl.Series, np.ndarray, np.ndarray]:
    """The texts cut at protected spans: pieces, the text each is of, and whether it is a span."""
    hinted = texts.str.contains(_HINT)
    pieces: list[str] = []
    rows: list[int] = []
    fixed: list[bool] = []
    for row in hinted.arg_true().to_list():
        text, end = texts[row], 0
        for start, stop in protected(text):
            pieces += [text[end:start], text[start:stop]]
            fixed += [False, True]
            end = stop
        pieces.append(text[end:])
        fixed.append(False)
        rows += [row] * (len(pieces) - len(rows))
    if not any(fixed):
        return texts, np.arange(len(texts)), np.zeros(len(texts), bool)
    rest = (~hinted).arg_true()
    row_of = np.concatenate([rest.to_numpy().astype(np.int64), rows])
    order = np.argsort(row_of, kind="stable")
    every = pl.concat([texts.gather(rest).alias("text"), pl.Series("text", pieces, dtype=pl.String)]).gather(order)
    return every, row_of[order], np.concatenate([np.zeros(len(rest), bool), fixed])[order]


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
