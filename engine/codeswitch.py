"""Code-switching: words of a question replaced by their dictionary translations.

SDRRL replaces every covered word with probability 0.15, in the way of mRASP's random aligned substitution. What
published scripts get wrong is done right here: whole words only, capitals kept, phrases, languages without spaces,
code and other protected spans left alone, and the rate that was reached is counted.

Texts are cut into tokens that join back to them exactly (`engine.words`); the rest happens on integer arrays.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from engine.dictionaries import Dictionary
from engine.seeds import uniform
from engine.words import Tokens, hashes, tokenize

_STEP = np.uint64(0x9E3779B97F4A7C15)  # splitmix64's increment: position i of a row is its i-th random number


class Lexicon:
    """A dictionary prepared for texts of its source language: hashes of words and phrases, sorted, in arrays."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.translations = dictionary.entries["translation"].explode()
        counts = dictionary.entries["translation"].list.len().to_numpy().astype(np.int64)
        firsts = np.cumsum(counts) - counts
        tokens = tokenize(dictionary.entries["word"], dictionary.source)
        lengths = np.diff(tokens.offsets)
        exact, folded = hashes(tokens.vocabulary), hashes(tokens.vocabulary.str.to_lowercase())
        self.words = _Table(
            exact[tokens.ids[tokens.offsets[:-1][lengths == 1]]], firsts[lengths == 1], counts[lengths == 1]
        )
        self.phrases: dict[int, _Table] = {}  # number of tokens -> phrases of so many, longest first
        for length in sorted({int(n) for n in lengths if n > 1}, reverse=True):
            rows = np.flatnonzero(lengths == length)
            windows = tokens.offsets[rows][:, None] + np.arange(length)
            self.phrases[length] = _Table(_combined(folded[tokens.ids[windows]]), firsts[rows], counts[rows])
        starts = tokens.offsets[:-1][lengths > 1]
        self.phrase_starts = np.unique(folded[tokens.ids[starts]])


class _Table:
    """Entries by the hash of their word or phrase; of two that are equal in it the first wins."""

    def __init__(self, keys: np.ndarray, firsts: np.ndarray, counts: np.ndarray) -> None:
        self.keys, index = np.unique(keys, return_index=True)
        self._firsts, self._counts = firsts[index], counts[index]

    def find(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First translation and number of translations for each key; number 0 where there is no entry."""
        place, found = _find(self.keys, keys)
        first, count = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
        first[found], count[found] = self._firsts[place[found]], self._counts[place[found]]
        return first, count


def _find(keys: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each of `wanted` stands in the sorted `keys`, and whether it does."""
    place = np.searchsorted(keys, wanted)
    found = place < len(keys)
    found[found] = keys[place[found]] == wanted[found]
    return place, found


def _combined(parts: np.ndarray) -> np.ndarray:
    """One hash for each row of token hashes: uint64 of shape (rows, tokens) to (rows,)."""
    result = np.zeros(len(parts), np.uint64)
    with np.errstate(over="ignore"):
        for column in parts.T:
            result = (result ^ column) * _STEP
            result ^= result >> np.uint64(31)
    return result


@dataclass(frozen=True)
class Switched:
    """Code-switched texts, and for each how many words were replaced of how many that the dictionary covers."""

    texts: pl.Series
    switched: np.ndarray  # int32, rows
    switchable: np.ndarray  # int32, rows


@dataclass(frozen=True)
class Matches:
    """Covered words and phrases: int64 (matches,) each."""

    start: np.ndarray  # first token
    length: np.ndarray  # number of tokens
    first: np.ndarray  # first translation
    count: np.ndarray  # number of translations
    capital: np.ndarray  # 1 where the translation is to be capitalised


def switch(tokens: Tokens, lexicon: Lexicon, bits: np.ndarray, probability: float, seed: int, purpose: str) -> Switched:
    """Replace each covered word, or phrase, with `probability` by one of its translations, chosen evenly.

    `bits` are the rows' ids (`engine.seeds.row_bits`); the word at token i of a row has its own draw, a function of
    (seed, row id, purpose, i) alone.

    A Capitalised word is also looked up in lower case, and its translation is capitalised. One in capitals only ("US",
    "WHO") is taken for an acronym and matches nothing but an entry in capitals.
    """
    return replace(tokens, lexicon, matches(tokens, lexicon), bits, probability, seed, purpose)


def replace(
    tokens: Tokens, lexicon: Lexicon, found: Matches, bits: np.ndarray, probability: float, seed: int, purpose: str
) -> Switched:
    """`switch` with what the lexicon covers already found: subsets with the same questions share it."""
    rows = len(tokens.offsets) - 1
    row = tokens.rows[found.start]
    position = (found.start - tokens.offsets[row]).astype(np.uint64)
    with np.errstate(over="ignore"):
        draws = bits[row] + (position + np.uint64(1)) * _STEP
    chosen = uniform(seed, draws, f"switch:{purpose}") < probability
    pick = (uniform(seed, draws, f"pick:{purpose}") * found.count).astype(np.int64)[chosen] + found.first[chosen]
    start, length = found.start[chosen], found.length[chosen]
    texts = _rebuild(tokens, lexicon, start, length, pick, found.capital[chosen] > 0)
    switched = np.bincount(row[chosen], minlength=rows).astype(np.int32)
    return Switched(texts, switched, np.bincount(row, minlength=rows).astype(np.int32))


def _inside(start: np.ndarray, length: np.ndarray, size: int) -> np.ndarray:
    """Which of `size` positions lie in a span: bool (size,)."""
    edges = np.bincount(start, minlength=size + 1) - np.bincount(start + length, minlength=size + 1)
    return np.cumsum(edges)[:size] > 0


def _capitalised(tokens: Tokens) -> np.ndarray:
    """Which words of the vocabulary begin with a capital, acronyms apart."""
    word = pl.col("word")
    one = word.str.len_chars() == 1
    capital = word.str.contains(r"^[\p{Lu}\p{Lt}]") & (one | (word != word.str.to_uppercase()))
    return tokens.vocabulary.alias("word").to_frame().select(capital).to_series().to_numpy()


def matches(tokens: Tokens, lexicon: Lexicon) -> Matches:
    """Everything that the lexicon covers: phrases first, longest first; nothing overlaps."""
    folded = tokens.folded_hashes
    first, count = lexicon.words.find(tokens.hashes)
    lower = lexicon.words.find(folded)
    capital = _capitalised(tokens)
    use = capital & (count == 0)
    first, count = np.where(use, lower[0], first), np.where(use, lower[1], count)
    free = (count > 0)[tokens.ids] & tokens.open
    phrases = _phrases(tokens, lexicon, capital) if lexicon.phrases else np.empty((0, 5), np.int64)
    free &= ~_inside(phrases[:, 0], phrases[:, 1], len(free))
    words = np.flatnonzero(free)
    ids = tokens.ids[words]
    singles = np.stack([words, np.ones_like(words), first[ids], count[ids], use[ids]], axis=1)
    return Matches(*np.concatenate([singles, phrases]).T)


def _phrases(tokens: Tokens, lexicon: Lexicon, capital: np.ndarray) -> np.ndarray:
    """Phrases from left to right, the longest at each place: int64 (phrases, 5), columns as in `Matches`."""
    folded = tokens.folded_hashes
    may_start = _find(lexicon.phrase_starts, folded)[1]
    starts = np.flatnonzero(may_start[tokens.ids] & tokens.open)
    room = tokens.offsets[tokens.rows[starts] + 1] - starts
    found = []
    for length, table in lexicon.phrases.items():
        windows = starts[room >= length][:, None] + np.arange(length)
        windows = windows[tokens.open[windows].all(axis=1)]
        first, count = table.find(_combined(folded[tokens.ids[windows]]))
        here = windows[:, 0]
        columns = np.stack([here, np.full_like(here, length), first, count, capital[tokens.ids[here]]], axis=1)
        found.append(columns[count > 0])
    every = np.concatenate(found)
    every = every[np.lexsort((-every[:, 1], every[:, 0]))]
    return every[_apart(every[:, 0], every[:, 0] + every[:, 1])]


def _apart(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Which spans to keep, from left to right, so that none overlaps one that is kept: bool of shape (spans,)."""
    reach = np.concatenate([[0], np.maximum.accumulate(end)])[: len(start)]
    free = start >= reach  # overlaps nothing before it
    keep = free.copy()
    until = 0
    # Only spans that overlap others have to be looked at one by one: each kept span bars those that begin in it.
    alone = free & np.append(free[1:], True)
    for index in np.flatnonzero(~alone).tolist():
        keep[index] = start[index] >= until or free[index]
        if keep[index]:
            until = end[index]
    return keep


def _rebuild(
    tokens: Tokens, lexicon: Lexicon, start: np.ndarray, length: np.ndarray, pick: np.ndarray, capital: np.ndarray
) -> pl.Series:
    """The texts with the tokens at `start` replaced and the rest of each phrase taken out."""
    new = lexicon.translations.gather(pick)
    upper = new.str.slice(0, 1).str.to_uppercase() + new.str.slice(1)
    new = upper.zip_with(pl.Series(capital), new)
    vocabulary = pl.concat([tokens.vocabulary, new.alias(tokens.vocabulary.name)])
    ids, offsets, fresh = tokens.ids.copy(), tokens.offsets, np.zeros(len(tokens.ids), bool)
    ids[start] = len(tokens.vocabulary) + np.arange(len(start))
    fresh[start] = True
    if len(length) and length.max() > 1:
        gone = _inside(start + 1, length - 1, len(ids))
        ids, fresh = ids[~gone], fresh[~gone]
        offsets = offsets - np.concatenate([[0], np.cumsum(gone)])[offsets]
    flat = vocabulary.gather(ids)
    if tokens.unspaced:
        flat = _spaced(flat, fresh, offsets)
    arrow = flat.to_arrow(compat_level=pl.CompatLevel.oldest())
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), arrow)
    return pl.Series(pc.binary_join(lists, pa.scalar("", pa.large_string())))


_GLUED = r"[\p{L}\p{M}\p{N}--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー]]"


def _spaced(flat: pl.Series, fresh: np.ndarray, offsets: np.ndarray) -> pl.Series:
    """Put a space where a new word of a spaced script would run into its neighbour ("Germanycapital")."""
    starts, ends = (flat.str.contains(pattern).to_numpy() for pattern in (rf"^{_GLUED}", rf"{_GLUED}$"))
    need = np.zeros(len(flat), bool)
    need[1:] = ends[:-1] & starts[1:] & (fresh[:-1] | fresh[1:])
    need[offsets[(offsets < len(flat))]] = False  # the first token of a text has no neighbour
    return pl.select(pl.when(pl.Series(need)).then(" " + flat).otherwise(flat)).to_series()
