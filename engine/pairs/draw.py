"""Parallel text: sentence pairs of two languages, read from files and drawn at random."""

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl

from polydistill.engine.config import Parallel
from polydistill.engine.errors import UserError
from polydistill.engine.pairs import find
from polydistill.engine.pairs.find import PairFile
from polydistill.engine.seeds import row_bits, uniform

Near = Callable[[pl.Series], np.ndarray]
"""Which texts are too near to an evaluation set: bool (rows,)."""

_BATCH = 65_536  # pairs held at once beside those already drawn


@dataclass(frozen=True)
class Drawn:
    """The pairs drawn for one pair of languages."""

    frame: pl.DataFrame  # id, source, target
    path: str
    lines: int  # in the file
    dropped: dict[str, int]  # reason -> lines


def draw(config: Parallel, source: str, target: str, rows: int | None, seed: int, near: Near | None = None) -> Drawn:
    """`rows` pairs (all for None), drawn at random without repetition, in random order.

    Pairs near to an evaluation set are left out. The draw is a function of (seed, the pair's text) alone, whatever
    the file's order; memory holds the pairs drawn and one batch, so a file may be of any size.

    Raises:
        UserError: no file for the languages, or fewer pairs than asked for.
    """
    file = find.find(config.path, source, target)
    if file is None:
        raise UserError(
            f"no parallel text for {source}-{target} in {config.path} "
            f"(looked for {find.expected(source, target)}, "
            "the other way round, and line-by-line files like x.en-de.en with x.en-de.de). Add it, or drop the subsets "
            "with a task, e.g. --set subsets.mt=null"
        )
    dropped = {"malformed": 0, "empty": 0, "duplicate": 0, "leakage": 0}
    kept = pl.DataFrame(schema={"id": pl.String, "source": pl.String, "target": pl.String, "key": pl.Float64})
    lines = 0
    for batch in _batches(read(file, source, target), _BATCH):
        lines += len(batch)
        whole = [pair for pair in batch if pair is not None]
        good = [pair for pair in whole if pair[0] and pair[1]]
        dropped["malformed"] += len(batch) - len(whole)
        dropped["empty"] += len(whole) - len(good)
        ids = [hashlib.blake2b(f"{a}\0{b}".encode(), digest_size=8).hexdigest() for a, b in good]
        keys = uniform(seed, row_bits(ids), "parallel")
        columns = {"id": ids, "source": [a for a, _ in good], "target": [b for _, b in good], "key": keys}
        new = pl.DataFrame(columns, schema=kept.schema)
        if near is not None:
            leaks = near(new["source"]) | near(new["target"])
            dropped["leakage"] += int(leaks.sum())
            new = new.filter(~leaks)
        both = pl.concat([kept, new])
        kept = both.unique("id", keep="first", maintain_order=True)
        dropped["duplicate"] += len(both) - len(kept)
        if rows is not None and len(kept) > 2 * rows + _BATCH:
            kept = kept.bottom_k(rows, by="key")
    kept = kept.sort("key", "id").head(len(kept) if rows is None else rows).drop("key")
    if len(kept) < (rows or 1):
        raise UserError(
            f"{file.path}: {rows or 1} pairs asked for, {len(kept)} usable; ask for fewer (mix: parallel.rows, null: "
            "all; similarity: --sentences)"
        )
    return Drawn(kept, str(file.path), lines, dropped)


def read(file: PairFile, source: str, target: str) -> Iterator[tuple[str, str] | None]:
    """(source, target) of every line; None for a line that is no pair.

    Two line-by-line files (OPUS, Moses), JSONL with the two texts under their languages' names (also inside
    "translation", as OPUS on the Hub), or two columns separated by TAB.

    Raises:
        UserError: bad UTF-8, or line files of different length.
    """
    order = slice(None, None, -1) if file.inverted else slice(None)
    try:
        with _open(file.path) as first:
            if file.other is not None:
                with _open(file.other) as second:
                    for pair in _zip(first, second, file):
                        yield pair[order]  # type: ignore[misc]
                return
            jsonl = ".json" in file.path.name
            names = [set(find.spellings(code)) for code in (source, target)]
            for line in first:
                found = _json_pair(line, names) if jsonl else _tsv_pair(line)
                yield found if found is None or jsonl else found[order]  # type: ignore[misc]
    except UnicodeDecodeError as error:
        raise UserError(f"{file.path}: not UTF-8 ({error.reason} at byte {error.start} of a block)") from error


def _open(path: Path) -> IO[str]:
    # Only "\n" ends a line: texts hold U+2028 and the like, which would put two files out of step.
    return io.TextIOWrapper(gzip.open(path) if path.suffix == ".gz" else open(path, "rb"), "utf-8", newline="\n")


def _zip(first: Iterable[str], second: Iterable[str], file: PairFile) -> Iterator[tuple[str, str]]:
    try:
        for a, b in zip(first, second, strict=True):
            yield a.strip(), b.strip()
    except ValueError as error:
        raise UserError(f"{file.path} and {file.other} have different numbers of lines") from error


def _tsv_pair(line: str) -> tuple[str, str] | None:
    cells = line.rstrip("\r\n").split("\t")
    return (cells[0].strip(), cells[1].strip()) if len(cells) == 2 else None


def _json_pair(line: str, names: list[set[str]]) -> tuple[str, str] | None:
    """The texts under the languages' names, whatever their order."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    value = value.get("translation", value) if isinstance(value, dict) else value
    if not isinstance(value, dict):
        return None
    texts = [next((value[key] for key in value if key in spelled), None) for spelled in names]
    return (texts[0].strip(), texts[1].strip()) if all(isinstance(text, str) for text in texts) else None  # type: ignore[union-attr]


def _batches(items: Iterator[tuple[str, str] | None], size: int) -> Iterator[list[tuple[str, str] | None]]:
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
