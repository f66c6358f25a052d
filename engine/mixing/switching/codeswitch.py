"""Code-switching: words of a question replaced by their dictionary translations.

SDRRL replaces every covered word with probability 0.15, in the way of mRASP's random aligned substitution. What
published scripts get wrong is done right here: whole words only, capitals kept, phrases, languages without spaces,
code and other protected spans left alone, and the rate that was reached is counted.

Words are found once for each text (`engine.text.words`); subsets with the same questions share what the dictionary
covers.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from polydistill.engine.mixing.switching.dictionaries import Dictionary
from polydistill.engine.seeds import uniform
from polydistill.engine.text.kernels import words as kernels
from polydistill.engine.text.profile import text_buffers
from polydistill.engine.text.words import Words, characters, find_words

_STEP = np.uint64(0x9E3779B97F4A7C15)  # splitmix64's increment: byte i of a row is its i-th random number

DOTTED_I = {"tur_Latn", "azj_Latn", "crh_Latn", "tat_Latn"}
"""Languages in which i and ı are two letters, with the capitals İ and I."""


class Lexicon:
    """A dictionary prepared for texts of its source language: a hash table of words and phrases.

    Entries that do not begin and end with a word, such as "#1" or "etc.", can match no words; `unusable` counts them.
    """

    def __init__(self, dictionary: Dictionary) -> None:
        listed = dictionary.entries["translation"]
        plain = listed.explode()
        # The translations as they are, then the same beginning with a capital.
        first_letter = plain.str.slice(0, 1)
        if dictionary.target in DOTTED_I:
            first_letter = first_letter.replace("i", "İ")
        both = pl.concat([plain, first_letter.str.to_uppercase() + plain.str.slice(1)])
        self.size = len(plain)
        self.texts, self.offsets = text_buffers(both.to_arrow())
        counts = listed.list.len().to_numpy().astype(np.int64)
        words = find_words(dictionary.entries["word"].to_arrow().cast(pa.large_string()), dictionary.source)
        first = np.searchsorted(words.row, np.arange(len(counts)))
        last = np.searchsorted(words.row, np.arange(len(counts)), side="right") - 1
        whole = (last >= first) & (last < len(words.row))
        whole[whole] &= words.start[first[whole]] == words.offsets[:-1][whole]
        whole[whole] &= words.end[last[whole]] == words.offsets[1:][whole]
        self.unusable = int((~whole).sum())
        self.first, self.count = (np.cumsum(counts) - counts)[whole], counts[whole]
        used = len(self.first) + int((last > first)[whole].sum())  # a phrase has two keys
        slots = 1 << (2 * used + 16).bit_length()  # half of them stay free
        self.keys, self.values = np.zeros(slots, np.uint64), np.zeros(slots, np.int32)
        same, self.lower = characters().same, _lower(dictionary.source)
        kernels.enter(
            words.data, words.start, words.end, first[whole], last[whole], same, self.lower, self.keys, self.values
        )


def _lower(flores: str) -> np.ndarray:
    """Lower case of every code point in a language: uint32 (code points,)."""
    lower = characters().lower
    if flores in DOTTED_I:
        lower = lower.copy()
        lower[ord("I")], lower[ord("İ")] = ord("ı"), ord("i")
    return lower


@dataclass(frozen=True)
class Matches:
    """Covered words and phrases, in the texts' order: int64 (matches,) each."""

    row: np.ndarray  # the text
    start: np.ndarray  # first byte, as in `Words`
    stop: np.ndarray  # behind the last byte
    first: np.ndarray  # first translation
    count: np.ndarray  # number of translations
    capital: np.ndarray  # 1 where the translation is to be capitalized


@dataclass(frozen=True)
class Switched:
    """Code-switched texts, and for each how many words were replaced of how many that the dictionary covers."""

    texts: pa.Array
    switched: np.ndarray  # int32, rows
    switchable: np.ndarray  # int32, rows


def matches(words: Words, lexicon: Lexicon) -> Matches:
    """Everything that the lexicon covers, from left to right; of two phrases that begin with one word the longer.

    A Capitalized word is also looked up in lower case, and its translation is capitalized. One in capitals only ("US",
    "WHO") is taken for an acronym and matches nothing but an entry in capitals.
    """
    of = characters()
    found = [np.empty(len(words.start), np.int64) for _ in range(4)]
    count = kernels.find(
        words.data, words.start, words.end, words.piece, of.flags, of.same, lexicon.lower, lexicon.keys, lexicon.values,
        *found,
    )  # fmt: skip
    word, stop, entry, capital = (values[:count].copy() for values in found)
    return Matches(words.row[word], words.start[word], stop, lexicon.first[entry], lexicon.count[entry], capital)


def switch(
    words: Words,
    lexicon: Lexicon,
    found: Matches,
    bits: np.ndarray,
    probability: float,
    seed: int,
    purpose: str,
    rows: np.ndarray | None = None,
) -> Switched:
    """Replace each covered word, or phrase, with `probability` by one of its translations, chosen evenly.

    `bits` are the rows' ids (`engine.seeds.row_bits`); the word at byte i of a row has its own draw, a function of
    (seed, row id, purpose, i) alone. Only texts `rows` (ascending) are made; None: all.
    """
    total = len(words.offsets) - 1
    rows = np.arange(total) if rows is None else rows
    wanted = np.zeros(total, bool)
    wanted[rows] = True
    inside = np.flatnonzero(wanted[found.row])
    row, start = found.row[inside], found.start[inside]
    with np.errstate(over="ignore"):
        draws = bits[row] + (start - words.offsets[row] + 1).astype(np.uint64) * _STEP
    chosen = uniform(seed, draws, f"switch:{purpose}") < probability
    switchable = np.bincount(row, minlength=total)[rows].astype(np.int32)
    row, start, draws, inside = row[chosen], start[chosen], draws[chosen], inside[chosen]
    pick = found.first[inside] + (uniform(seed, draws, f"pick:{purpose}") * found.count[inside]).astype(np.int64)
    pick += lexicon.size * found.capital[inside]
    size = np.diff(words.offsets)[rows].sum() + (np.diff(lexicon.offsets)[pick] + 2).sum()
    out, ends = np.empty(int(size), np.uint8), np.zeros(len(rows) + 1, np.int64)
    kernels.splice(
        words.data, words.offsets, rows, row, start, found.stop[inside], lexicon.texts, lexicon.offsets, pick,
        characters().flags, words.unspaced, out, ends[1:],
    )  # fmt: skip
    written = pa.py_buffer(out[: ends[-1]])  # what lies behind is uninitialized and would go into the shard's padding
    texts = pa.LargeStringArray.from_buffers(len(rows), pa.py_buffer(ends), written).cast(pa.string())
    return Switched(texts, np.bincount(row, minlength=total)[rows].astype(np.int32), switchable)
