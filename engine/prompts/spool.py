"""Rows between reading and writing: in local files, so that memory does not grow with the texts."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc

from polydistill.engine.prompts.fields import Notes
from polydistill.engine.schema import GIVEN, PROMPT
from polydistill.engine.seeds import row_bits

DROPPED = pa.schema([("origin", pa.string()), ("reason", pa.string()), ("excerpt", pa.string())])
"""A row that is not used: where it stands, why, and its beginning."""


class Spool:
    """What has been read so far. Of each usable row, 8 bytes stay in memory."""

    def __init__(self, folder: Path, targets: Iterable[str]) -> None:
        """Begin.

        Args:
            folder: a local folder.
            targets: languages in which sources come with translations.
        """
        self.read = 0  # rows
        self.reasons: Counter[str] = Counter()  # reason -> dropped rows
        self.translated: Counter[str] = Counter()  # target -> rows whose question has a translation
        self.counts: Counter[int] = Counter()  # source -> usable rows, which stand in the sources' order
        self.notes = Notes()
        self._folder, self._stack = folder, ExitStack()
        self._ids = [np.empty(0, np.uint64)]
        self._rows, self._dropped = self._writer("rows", PROMPT), self._writer("dropped", DROPPED)
        self._given = {target: self._writer(target, GIVEN) for target in targets}

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def ids(self) -> np.ndarray:
        """Bits of the usable rows' ids: uint64 of shape (rows,)."""
        return np.concatenate(self._ids)

    @property
    def targets(self) -> list[str]:
        """Languages in which sources come with translations."""
        return list(self._given)

    def keep(self, frame: pl.DataFrame, given: dict[str, pl.DataFrame], source: int) -> None:
        """Add usable rows of a source, with PROMPT's columns, and their translations by target."""
        self._rows.write_table(frame.select(PROMPT.names).to_arrow().cast(PROMPT))
        self._ids.append(row_bits(frame["id"].to_list()))
        self.counts[source] += frame.height
        nothing = pl.DataFrame(
            {name: [None] * frame.height for name in GIVEN.names}, schema=dict.fromkeys(GIVEN.names, pl.String)
        )
        for target, writer in self._given.items():
            texts = given.get(target, nothing)
            writer.write_table(texts.select(GIVEN.names).to_arrow().cast(GIVEN))

    def drop(self, table: pa.Table) -> None:
        """Add DROPPED rows."""
        self.reasons.update({item["values"]: item["counts"] for item in pc.value_counts(table["reason"]).to_pylist()})
        self._dropped.write_table(table)

    def close_rows(self) -> None:
        """No further rows come."""
        for writer in (self._rows, *self._given.values()):
            writer.close()

    def close_dropped(self) -> None:
        """No further rows are dropped."""
        self._dropped.close()

    def batches(self, name: str) -> Iterator[pa.Table]:
        """The tables that went into "rows", "dropped", or a target's translations, one after the other."""
        with pa.OSFile(str(self._path(name))) as file:  # a mapped file would stay in memory as far as it has been read
            for batch in pa.ipc.open_stream(file):
                yield pa.Table.from_batches([batch])

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.arrow"

    def _writer(self, name: str, schema: pa.Schema) -> pa.ipc.RecordBatchStreamWriter:
        writer = pa.ipc.new_stream(str(self._path(name)), schema)
        self._stack.callback(writer.close)
        return writer
