"""Rows to a file: a JSON list, JSON lines or Parquet, as the name's ending says. A file is whole or not there."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from polydistill.engine.errors import UserError

ENDINGS = (".json", ".jsonl", ".parquet")
_CHUNK = 20_000  # rows of one Parquet row group


def write_rows(path: Path, rows: Iterable[Mapping[str, object]]) -> int:
    """Write the rows; returns how many.

    Raises:
        UserError: an ending that says none of the three formats, or rows that no Parquet table can hold.
    """
    writers = {".json": _json, ".jsonl": _json_lines, ".parquet": _parquet}
    if path.suffix not in writers:
        raise UserError(f"{path}: the name must end in {', '.join(ENDINGS)}, which says how rows are written")
    with whole(path) as partial:
        try:
            return writers[path.suffix](partial, rows)
        except pa.ArrowException as error:  # a key whose value is a text in one row and an object in another
            raise UserError(f"{path}: Parquet cannot hold these rows in one table ({error}). Write .jsonl") from error


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes `path` when the block ends well and is deleted otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    try:
        yield partial
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _json(path: Path, rows: Iterable[Mapping[str, object]]) -> int:
    count = 0
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            file.write((",\n" if count else "[\n") + json.dumps(row, ensure_ascii=False))
            count += 1
        file.write("\n]\n" if count else "[]\n")
    return count


def _json_lines(path: Path, rows: Iterable[Mapping[str, object]]) -> int:
    count = 0
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _parquet(path: Path, rows: Iterable[Mapping[str, object]]) -> int:
    """Parquet needs one schema: keys that only some rows have are null in the others."""
    every = iter(rows)
    parts = [_table(part) for part in iter(lambda: list(islice(every, _CHUNK)), [])]
    table = pa.concat_tables(parts, promote_options="permissive") if parts else pa.table({})
    pq.write_table(table, path, compression="zstd")
    return table.num_rows


def _table(rows: list[Mapping[str, object]]) -> pa.Table:
    keys = dict.fromkeys(key for row in rows for key in row)
    return pa.table({key: pa.array([row.get(key) for row in rows]) for key in keys})
