"""Sources become prompts: cleaned, identified, without duplicates, in shards of equal size.

A row's id is a hash of its language and its texts, so it is the same in every file and run; rows with equal ids are
`duplicate`s of the first. Memory does not grow with the texts: rows pass through local files, and 8 bytes of each id
stay in memory.
"""

import hashlib
import itertools
import json
import math
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc

from polydistill.engine.config import PromptSource
from polydistill.engine.errors import UserError
from polydistill.engine.prompts import artifact
from polydistill.engine.prompts.artifact import DROPPED, MANIFEST, Prompts, PromptsRecord, open_prompts, write_prompts
from polydistill.engine.prompts.cleaning import clean
from polydistill.engine.prompts.fields import EXCERPT, Notes
from polydistill.engine.prompts.sources import Source, open_sources
from polydistill.engine.schema import PROMPT
from polydistill.engine.seeds import row_bits, uniform
from polydistill.engine.storage.run_folder import PROMPTS, shard_name
from polydistill.engine.storage.shards import Folder, Shard, write_table, write_tables

_DROPPED = pa.schema([("origin", pa.string()), ("reason", pa.string()), ("excerpt", pa.string())])


def prepare(configs: list[PromptSource], default_language: str, root: Folder, unit_rows: int, seed: int = 0) -> Prompts:
    """Read all sources into `prompts/`; a second call with the same sources only reads the record.

    Args:
        configs: the sources, in order.
        default_language: language of rows that name none.
        root: the run's folder.
        unit_rows: maximum number of rows in a shard. The rows are spread evenly over as few shards as that allows.
        seed: of the samples that sources ask for.

    Raises:
        UserError: an unreadable source, no usable row, or the folder was made from other sources (says what differs).
    """
    sources = open_sources(configs, default_language)
    drawn = seed if any(config.sample for config in configs) else None
    if (root / PROMPTS).exists(MANIFEST):
        return _reuse(open_prompts(root), sources, unit_rows, drawn)
    inputs = [source.input() for source in sources]
    folder = root / PROMPTS
    with tempfile.TemporaryDirectory(prefix="polydistill-") as local, _Spool(Path(local)) as spool:
        for number, source in enumerate(sources):
            _read(source, number, spool)
        spool.close_rows()
        with pa.memory_map(str(spool.rows)) as file:
            rows = pa.ipc.open_stream(file).read_all()
            first = _first(spool.ids)
            _drop_duplicates(rows, first, spool)
            spool.close_dropped()
            kept = _sampled(first, sources, spool, seed)
            units = list(_units(rows, np.flatnonzero(kept), folder, unit_rows))
        write_tables(folder, DROPPED, _DROPPED, _batches(spool.dropped), compression="zstd")
    record = PromptsRecord(
        fingerprint=artifact.fingerprint_of(inputs, unit_rows, drawn),
        inputs=inputs,
        unit_rows=unit_rows,
        seed=drawn,
        units=units,
        rows_read=spool.read,
        rows_kept=sum(unit.rows for unit in units),
        dropped=dict(sorted(spool.reasons.items())),
        mended=dict(sorted(spool.notes.changed.items())),
        unused={name: dict(sorted(found.items())) for name, found in spool.notes.unused.items()},
    )
    _tell(record)
    if not units:
        raise UserError(
            f"no usable row in {', '.join(file.name for i in inputs for file in i.files)}: {record.dropped}"
        )
    return write_prompts(folder, record)


def row_ids(frame: pl.DataFrame) -> pl.Series:
    """Ids of cleaned rows: 16 hex digits of blake2b over language, instruction, input and truth.

    System prompt and history are hashed as well where a row has them.
    """
    # Cleaned texts hold no NUL, so the parts cannot run into each other.
    keys = frame.select(pl.concat_str("source", "instruction", "input", "truth", separator="\0")).to_series().to_list()
    for i in frame.select((pl.col("system").is_not_null() | pl.col("history").is_not_null()).arg_true()).to_series():
        talk = [frame["system"][i], frame["history"].slice(i, 1).to_list()[0]]
        keys[i] += "\0" + json.dumps(talk, ensure_ascii=False)
    blake2b = hashlib.blake2b
    return pl.Series("id", [blake2b(key.encode(), digest_size=8).hexdigest() for key in keys], dtype=pl.String)


def _reuse(found: Prompts, sources: list[Source], unit_rows: int, seed: int | None) -> Prompts:
    """Prompts that exist already, if they are those that are wanted."""
    before = found.record
    inputs = [source.input([file for source in before.inputs for file in source.files]) for source in sources]
    if artifact.fingerprint_of(inputs, unit_rows, seed) != before.fingerprint:
        differs = artifact.differences(before, inputs, unit_rows, seed)
        raise UserError(
            f"{found.folder.root} was made from other prompts: {'; '.join(differs)}. "
            "Use another output folder, or undo the change."
        )
    return found


@dataclass
class _Spool:
    """What has been read so far: the rows in local files, of each row 8 bytes in memory."""

    folder: Path
    read: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    notes: Notes = field(default_factory=Notes)
    parts: list[np.ndarray] = field(default_factory=list)  # bits of the ids of the usable rows
    counts: Counter[int] = field(default_factory=Counter)  # source -> usable rows, which stand in the sources' order

    def __post_init__(self) -> None:
        self.rows, self.dropped = self.folder / "rows.arrow", self.folder / "dropped.arrow"
        self._rows = pa.ipc.new_stream(str(self.rows), PROMPT)
        self._dropped = pa.ipc.new_stream(str(self.dropped), _DROPPED)

    def __enter__(self) -> "_Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.close()
        self._dropped.close()

    @property
    def ids(self) -> np.ndarray:
        """Bits of the usable rows' ids: uint64 of shape (rows,)."""
        return np.concatenate([np.empty(0, np.uint64), *self.parts])

    def keep(self, frame: pl.DataFrame, source: int) -> None:
        """Add usable rows of a source."""
        frame = frame.with_columns(row_ids(frame))
        self._rows.write_table(frame.select(PROMPT.names).to_arrow().cast(PROMPT))
        self.parts.append(row_bits(frame["id"].to_list()))
        self.counts[source] += frame.height

    def drop(self, table: pa.Table) -> None:
        """Add DROPPED rows."""
        self.reasons.update({item["values"]: item["counts"] for item in pc.value_counts(table["reason"]).to_pylist()})
        self._dropped.write_table(table)

    def close_rows(self) -> None:
        """No further rows come."""
        self._rows.close()

    def close_dropped(self) -> None:
        """No further rows are dropped."""
        self._dropped.close()


def _read(source: Source, number: int, spool: _Spool) -> None:
    """Read one source, clean its rows and tell the usable ones from the others."""
    for part, frame in source.frames(spool.notes):
        frame, kinds = clean(frame, source.config.max_chars)
        spool.read += frame.height
        spool.notes.changed.update(kinds)
        frame = frame.with_columns(
            source=pl.col("language").fill_null(source.language),
            origin=pl.lit(f"{part}:") + pl.col("row").cast(pl.String),
        )
        usable = pl.col("reason").is_null()
        spool.keep(frame.filter(usable), number)
        spool.drop(frame.filter(usable.not_()).select(_DROPPED.names).to_arrow().cast(_DROPPED))


def _first(ids: np.ndarray) -> np.ndarray:
    """Which rows are the first of their id: bool of shape (rows,)."""
    return pl.Series(ids, dtype=pl.UInt64).is_first_distinct().to_numpy()


def _drop_duplicates(rows: pa.Table, first: np.ndarray, spool: _Spool) -> None:
    start = 0
    for batch in rows.select(["origin", "instruction"]).to_batches():
        again = pa.Table.from_batches([batch]).filter(pa.array(~first[start : start + batch.num_rows]))
        start += batch.num_rows
        excerpts = pc.utf8_slice_codeunits(again["instruction"], 0, EXCERPT)
        reasons = pa.array(["duplicate"] * again.num_rows, pa.string())
        spool.drop(pa.table([again["origin"], reasons, excerpts], schema=_DROPPED))


def _sampled(first: np.ndarray, sources: list[Source], spool: _Spool, seed: int) -> np.ndarray:
    """Which rows stay: the first of their id and, where a source asks for a sample, drawn. Bool of shape (rows,)."""
    kept, ids, start = first.copy(), spool.ids, 0
    for number, source in enumerate(sources):
        end = start + spool.counts[number]
        size, usable = source.config.sample, np.flatnonzero(first[start:end]) + start
        if size is not None and size < len(usable):
            # The draw depends on the rows' content alone, so that it is the same in every order of the files.
            order = np.argsort(uniform(seed, ids[usable], "sample"), kind="stable")
            kept[usable[order[size:]]] = False
            spool.reasons["not_sampled"] += len(usable) - size
        start = end
    return kept


def _units(rows: pa.Table, kept: np.ndarray, folder: Folder, unit_rows: int) -> Iterator[Shard]:
    """Write the kept rows as shards whose sizes differ by one row at most."""
    count = math.ceil(len(kept) / unit_rows)
    bounds = [round(i * len(kept) / count) for i in range(count + 1)] if count else []
    for unit, (start, end) in enumerate(itertools.pairwise(bounds)):
        low = int(kept[start])
        part = rows.slice(low, int(kept[end - 1]) + 1 - low).take(pa.array(kept[start:end] - low))
        yield write_table(folder, shard_name(unit), part)


def _batches(path: Path) -> Iterable[pa.Table]:
    with pa.memory_map(str(path)) as file:
        for batch in pa.ipc.open_stream(file):
            yield pa.Table.from_batches([batch])


def _tell(record: PromptsRecord) -> None:
    """Name on the screen what was not taken over from the sources."""
    for name, columns in record.unused.items():
        listed = ", ".join(f"{column} ({rows:,} rows)" for column, rows in columns.items())
        print(f"{name}: not used: {listed}. prompts.columns gives a column its role", file=sys.stderr)
    if count := record.mended.get("first_answer"):
        print(f"{count:,} rows have several answers; the first is used", file=sys.stderr)
