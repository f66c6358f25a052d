"""Parallel text: sentence pairs of two languages, read from all their corpora and drawn at random."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import polars as pl

from polydistill.engine.config import Parallel
from polydistill.engine.errors import UserError
from polydistill.engine.pairs.find import expected, find_corpora
from polydistill.engine.pairs.read import Pair, read_pairs
from polydistill.engine.seeds import row_bits, uniform

Near = Callable[[pl.Series], np.ndarray]
"""Which texts are too near to an evaluation set: bool (rows,)."""

_BATCH = 65_536  # pairs held at once in addition to those already drawn


@dataclass(frozen=True)
class CorpusRecord:
    """What one corpus gave."""

    paths: tuple[str, ...]  # its one file, or the file of either side
    lines: int  # without a header
    dropped: dict[str, int]  # reason -> lines


@dataclass(frozen=True)
class Drawn:
    """The pairs drawn for one pair of languages."""

    frame: pl.DataFrame  # id, source, target
    corpora: tuple[CorpusRecord, ...]


def draw(config: Parallel, source: str, target: str, rows: int | None, seed: int, near: Near | None = None) -> Drawn:
    """Draw `rows` pairs (all for None) at random without repetition, in random order, from all corpora together.

    Pairs near to an evaluation set are left out. The draw is a function of (seed, the pair's text) alone, whatever
    the files' names and order; memory holds the pairs drawn and one batch, so a file may be of any size.

    Raises:
        UserError: no file for the languages, or fewer pairs than requested.
    """
    files = find_corpora(config.path, source, target, config.corpora)
    if not files:
        chosen = f" with a name of {', '.join(config.corpora)}" if config.corpora else ""
        raise UserError(
            f"no parallel text for {source}-{target} in {config.path}{chosen} (looked for "
            f"{expected(source, target)}, the other way round, and line-by-line files like x.en-de.en with "
            "x.en-de.de). Add it, or drop the subsets with a task, e.g. --set subsets.mt=null"
        )
    kept = pl.DataFrame(schema={"id": pl.String, "source": pl.String, "target": pl.String, "key": pl.Float64})
    records = []
    for file in files:
        lines, dropped = 0, Counter({"malformed": 0, "empty": 0, "duplicate": 0, "leakage": 0})
        for batch in _batches(read_pairs(file, source, target)):
            lines += len(batch)
            new = _frame(batch, seed, near, dropped)
            both = pl.concat([kept, new])
            kept = both.unique("id", keep="first", maintain_order=True)
            dropped["duplicate"] += len(both) - len(kept)
            if rows is not None and len(kept) > 2 * rows + _BATCH:
                kept = kept.bottom_k(rows, by="key")
        records.append(CorpusRecord(tuple(map(str, file.paths)), lines, dict(dropped)))
    kept = kept.sort("key", "id").head(len(kept) if rows is None else rows).drop("key")
    if len(kept) < (rows or 1):
        reasons = sum((Counter(record.dropped) for record in records), Counter())
        raise UserError(
            f"{source}-{target}: requested {rows or 1} pairs but only {len(kept)} are usable in "
            f"{', '.join(path for record in records for path in record.paths)} "
            f"(left out: {', '.join(f'{n:,} {reason}' for reason, n in reasons.items()) or 'none'}). "
            "Lower parallel.rows (or --sentences), or set it to null to use all."
        )
    return Drawn(kept, tuple(records))


def _frame(batch: list[Pair | None], seed: int, near: Near | None, dropped: Counter[str]) -> pl.DataFrame:
    """The usable pairs of a batch; `dropped` is added to."""
    whole = [pair for pair in batch if pair is not None]
    good = [pair for pair in whole if pair[0] and pair[1]]
    dropped["malformed"] += len(batch) - len(whole)
    dropped["empty"] += len(whole) - len(good)
    ids = [hashlib.blake2b(f"{a}\0{b}".encode(), digest_size=8).hexdigest() for a, b in good]
    keys = uniform(seed, row_bits(ids), "parallel")
    columns = {"id": ids, "source": [a for a, _ in good], "target": [b for _, b in good], "key": keys}
    frame = pl.DataFrame(columns, schema={"id": pl.String, "source": pl.String, "target": pl.String, "key": pl.Float64})
    if near is None:
        return frame
    leaks = near(frame["source"]) | near(frame["target"])
    dropped["leakage"] += int(leaks.sum())
    return frame.filter(~leaks)


def _batches(items: Iterator[Pair | None]) -> Iterator[list[Pair | None]]:
    while batch := list(islice(items, _BATCH)):
        yield batch
