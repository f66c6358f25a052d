"""Keeps evaluation text out of training: rows that share too many n-grams with an evaluation file.

Word 8-grams are what GPT-3 and its successors decontaminate by (8 to 13); in languages without spaces every
character is counted as half a word. Texts shorter than one n-gram are compared as a whole. A row also leaks when all of
an evaluation text stands in it, however long the row is.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from polydistill.engine.config import Leakage
from polydistill.engine.errors import UserError
from polydistill.engine.files.batch import Broken
from polydistill.engine.files.decode import encodable
from polydistill.engine.files.rows import read_rows
from polydistill.engine.files.source import File, reading
from polydistill.engine.files.tables import read_cells
from polydistill.engine.scripts import UNSPACED_UNICODE

_CHARACTER = "[" + "".join(rf"\p{{{name}}}" for name in sorted(UNSPACED_UNICODE)) + "]"
_UNIT = rf"{_CHARACTER}\p{{M}}*|[\p{{L}}\p{{M}}\p{{N}}--{_CHARACTER}]+"
_SHORTEST = 4  # units: "Yes." or "New York" is in every text, and says nothing about leakage
_CONTAINED = 6  # words of the shortest text that is looked for inside longer ones: five stand in a text by chance
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Grams:
    """N-grams of some texts, concatenated."""

    hashes: np.ndarray  # uint64 (n-grams,)
    rows: np.ndarray  # int64 (n-grams,), the text that each is from


@dataclass(frozen=True)
class Index:
    """The n-grams of the evaluation files."""

    config: Leakage
    grams: np.ndarray  # uint64, sorted; each as often as it stands in different texts
    texts: np.ndarray  # int64, the text that each is from
    distinct: np.ndarray  # int64 (texts,), number of different n-grams of each text
    short: np.ndarray  # int64, sorted: sizes of texts that are shorter than an n-gram and looked for in longer ones
    files: dict[str, int]  # file -> texts read from it

    @classmethod
    def of(cls, config: Leakage) -> "Index":
        """Read every file that the configuration names.

        Raises:
            UserError: a file is missing or not readable as what its name says.
        """
        every: list[str] = []
        files = {}
        for path in _files(config.against):
            texts = list(dict.fromkeys(text for text in _texts(path) if text.strip()))
            files[str(path)] = len(texts)
            every += texts
        units = _units(pl.Series(every, dtype=pl.String))
        found, sizes = _grams(units, _sizes(units, config.ngram)), _sizes(units, config.ngram)
        pairs = np.unique(np.stack([found.hashes, found.rows.astype(np.uint64)], axis=1), axis=0)
        texts_of = pairs[:, 1].astype(np.int64)
        lower = np.where(units.by_character, 2 * _CONTAINED, _CONTAINED)
        whole = np.where(units.by_character, 2 * config.ngram, config.ngram)
        short = np.unique(sizes[(sizes >= lower) & (sizes < whole)])
        return cls(config, pairs[:, 0], texts_of, np.bincount(texts_of, minlength=len(every)), short, files)

    def leaks(self, texts: pl.Series) -> np.ndarray:
        """Whether each text is too near to an evaluation text: bool of shape (rows,)."""
        units = _units(texts)
        sizes = _sizes(units, self.config.ngram)
        own = _grams(units, sizes)
        hit = np.isin(own.hashes, self.grams)
        found, total = (np.bincount(part, minlength=len(texts)) for part in (own.rows[hit], own.rows))
        near = (found > 0) & (found >= self.config.overlap * total)
        others = [_grams(units, np.where((sizes > size), size, 0)) for size in self.short.tolist()]
        return near | self._contain([Grams(own.hashes[hit], own.rows[hit]), *others], len(texts))

    def _contain(self, parts: list[Grams], count: int) -> np.ndarray:
        """Whether all n-grams of some evaluation text stand in each text: bool (count,)."""
        hashes, rows = (np.concatenate(arrays) for arrays in zip(*((part.hashes, part.rows) for part in parts)))
        first, last = (np.searchsorted(self.grams, hashes, side) for side in ("left", "right"))
        times = last - first
        # Every (row, evaluation text) that share an n-gram, once for each different n-gram.
        index = np.repeat(first - (np.cumsum(times) - times), times) + np.arange(times.sum())
        shared = np.unique(np.stack([np.repeat(rows, times), index], axis=1), axis=0)
        both, number = np.unique(np.stack([shared[:, 0], self.texts[shared[:, 1]]], axis=1), axis=0, return_counts=True)
        result = np.zeros(count, bool)
        result[both[number >= self.distinct[both[:, 1]], 0]] = True
        return result

    def signature(self) -> str:
        """What the guard depends on, as one hash."""
        digest = hashlib.sha256(f"2 {self.config.ngram} {self.config.overlap}".encode())
        for path in self.files:
            digest.update(Path(path).read_bytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Units:
    """The words of texts, or their characters in languages without spaces, laid end to end."""

    hashes: np.ndarray  # uint64 (units,)
    rows: np.ndarray  # int64 (units,), the text that each is from
    lengths: np.ndarray  # int64 (texts,)
    by_character: np.ndarray  # bool (texts,): most units are characters


def _units(texts: pl.Series) -> Units:
    units = texts.fill_null("").str.to_lowercase().str.extract_all(_UNIT)
    lengths = units.list.len().to_numpy().astype(np.int64)
    flat = units.filter(units.list.len() > 0).explode()
    characters = flat.str.contains(rf"^{_CHARACTER}").to_numpy()
    hashes = flat.hash(seed=0).to_numpy() if len(flat) else np.empty(0, np.uint64)
    rows = np.repeat(np.arange(len(texts)), lengths)
    by_character = np.bincount(rows, weights=characters, minlength=len(texts)) > lengths / 2
    return Units(hashes, rows, lengths, by_character)


def _sizes(units: Units, n: int) -> np.ndarray:
    """Units in an n-gram of each text; 0 where it is too short to say anything: int64 (texts,)."""
    sizes = np.minimum(np.where(units.by_character, 2 * n, n), units.lengths)
    sizes[units.lengths < np.where(units.by_character, 2 * _SHORTEST, _SHORTEST)] = 0
    return sizes


def _grams(units: Units, sizes: np.ndarray) -> Grams:
    """The n-grams of every text; `sizes` (texts,): units in an n-gram, 0: none of this text."""
    starts = np.cumsum(units.lengths) - units.lengths
    out = [Grams(np.empty(0, np.uint64), np.empty(0, np.int64))]
    for size in np.unique(sizes[sizes > 0]):
        # All windows of this size over the whole column, then those inside a text that asks for it.
        offsets = np.arange(len(units.hashes)) - starts[units.rows]
        position = np.flatnonzero((sizes[units.rows] == size) & (offsets <= units.lengths[units.rows] - size))
        gram = np.full(len(position), np.uint64(size))
        with np.errstate(over="ignore"):
            for k in range(size):
                gram = (gram ^ units.hashes[position + k]) * _MULTIPLIER
                gram ^= gram >> np.uint64(29)
        out.append(Grams(gram, units.rows[position]))
    return Grams(np.concatenate([part.hashes for part in out]), np.concatenate([part.rows for part in out]))


def _files(paths: list[str]) -> Iterator[Path]:
    for text in paths:
        path = Path(text).expanduser()
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.is_file())
        elif path.is_file():
            yield path
        else:
            raise UserError(f"leakage.against: {text}: no such file or folder")


def _texts(path: Path) -> Iterator[str]:
    """Every text in a file: all strings of JSON, CSV, Parquet and Arrow; the cells of every line of anything else."""
    file = File.of(path)
    with reading(file):
        if file.format in ("json", "jsonl", "csv", "parquet", "arrow"):
            for batch in read_rows(file):
                for number, row in zip(batch.numbers, batch.values):
                    if isinstance(row, Broken):
                        raise UserError(f"{file.name}:{number}: {row.reason}. The leakage guard must read every row")
                    yield from (text for text in _strings(row) if encodable(text))
        else:
            for cells in read_cells(file):
                yield from cells


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)
