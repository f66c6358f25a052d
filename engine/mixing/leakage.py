"""Keeps evaluation text out of training: rows that share too many n-grams with an evaluation file.

Word 8-grams are what GPT-3 and its successors decontaminate by (8 to 13); in languages without spaces every
character is counted as half a word. Texts shorter than one n-gram are compared as a whole.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from polydistill.engine.config import Leakage
from polydistill.engine.errors import UserError

_CHARACTER = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_UNIT = rf"{_CHARACTER}\p{{M}}*|[\p{{L}}\p{{M}}\p{{N}}--{_CHARACTER}]+"
_SHORTEST = 4  # units: "Yes." or "New York" is in every text, and says nothing about leakage
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Index:
    """The n-grams of the evaluation files."""

    config: Leakage
    grams: np.ndarray  # uint64, sorted, distinct
    files: dict[str, int]  # file -> texts read from it

    @classmethod
    def of(cls, config: Leakage) -> "Index":
        """Read every file that the configuration names.

        Raises:
            UserError: a file is missing or not readable as what its name says.
        """
        grams, files = [np.empty(0, np.uint64)], {}
        for path in _files(config.against):
            texts = list(dict.fromkeys(text for text in _texts(path) if text.strip()))
            files[str(path)] = len(texts)
            grams.append(_grams(pl.Series(texts, dtype=pl.String), config.ngram)[0])
        return cls(config, np.unique(np.concatenate(grams)), files)

    def leaks(self, texts: pl.Series) -> np.ndarray:
        """Whether each text has at least the configured share of its n-grams here: bool of shape (rows,)."""
        grams, rows = _grams(texts, self.config.ngram)
        place = np.searchsorted(self.grams, grams)
        hit = np.zeros(len(grams), bool)
        inside = place < len(self.grams)
        hit[inside] = self.grams[place[inside]] == grams[inside]
        found, total = (np.bincount(part, minlength=len(texts)) for part in (rows[hit], rows))
        return (found > 0) & (found >= self.config.overlap * total)

    def signature(self) -> str:
        """What the guard depends on, as one hash."""
        digest = hashlib.sha256(f"{self.config.ngram} {self.config.overlap}".encode())
        for path in self.files:
            digest.update(Path(path).read_bytes())
        return digest.hexdigest()


def _grams(texts: pl.Series, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of every text's n-grams, and the text each is from: uint64 and int64 of shape (n-grams,)."""
    units = texts.fill_null("").str.to_lowercase().str.extract_all(_UNIT)
    lengths = units.list.len().to_numpy().astype(np.int64)
    flat = units.filter(units.list.len() > 0).explode()
    characters = flat.str.contains(rf"^{_CHARACTER}").to_numpy()
    values = flat.hash(seed=0).to_numpy() if len(flat) else np.empty(0, np.uint64)
    rows = np.repeat(np.arange(len(texts)), lengths)
    starts = np.cumsum(lengths) - lengths
    per_row = np.bincount(rows, weights=characters, minlength=len(texts)) > lengths / 2
    sizes = np.minimum(np.where(per_row, 2 * n, n), lengths)
    sizes[lengths < np.where(per_row, 2 * _SHORTEST, _SHORTEST)] = 0
    out_grams, out_rows = [], []
    for size in np.unique(sizes[sizes > 0]):
        # All windows of this size over the whole column, then those inside a text that asks for it.
        ok = (sizes[rows] == size) & (np.arange(len(values)) - starts[rows] <= lengths[rows] - size)
        position = np.flatnonzero(ok)
        gram = np.full(len(position), np.uint64(size))
        with np.errstate(over="ignore"):
            for k in range(size):
                gram = (gram ^ values[position + k]) * _MULTIPLIER
                gram ^= gram >> np.uint64(29)
        out_grams.append(gram)
        out_rows.append(rows[position])
    empty = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    return np.concatenate(out_grams or empty[0]), np.concatenate(out_rows or empty[1])


def _files(paths: list[str]) -> Iterator[Path]:
    for text in paths:
        path = Path(text)
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.is_file())
        elif path.is_file():
            yield path
        else:
            raise UserError(f"leakage.against: {text}: no such file or folder")


def _texts(path: Path) -> Iterator[str]:
    """Every text in a file: all strings of JSON and JSONL, the cells of every line of anything else."""
    name = path.name.removesuffix(".gz")
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        content = raw.decode("utf-8")
        if name.endswith(".json"):
            yield from _strings(json.loads(content))
        for line in () if name.endswith(".json") else content.split("\n"):
            yield from _strings(json.loads(line)) if name.endswith(".jsonl") and line.strip() else line.split("\t")
    except ValueError as error:  # bad UTF-8 and bad JSON are both ValueErrors
        raise UserError(f"{path}: cannot be read for the leakage guard ({error}); name only text files") from error


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)
