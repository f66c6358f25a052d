"""Instruction files read into frames of raw rows; a row that cannot be read becomes a row with a reason.

A frame has the columns `row` (1-based number of the row in its file; of the line in JSONL), `instruction`, `input`,
`truth` (null where the file has none), `reason` and `excerpt` (both null where the row could be read). Text that is no
UTF-8 is found in any format. JSONL, Parquet and Arrow are streamed; a JSON array is held in memory while it is read.
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.fs
import pyarrow.ipc
import pyarrow.parquet as pq

from polydistill.engine.errors import UserError

FORMATS = (
    ("instruction", "input", "output"),  # Stanford Alpaca
    ("instruction", "context", "response"),  # Dolly
    ("question", "", "answer"),  # GSM8K
)
"""Columns that become instruction, input and truth; the first format whose instruction and answer are there wins."""

SUFFIXES = (".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".ipc", ".feather")
COMPRESSED = (".gz", ".zst", ".bz2", ".lz4")
RAW = {
    "row": pl.Int64,
    "instruction": pl.String,
    "input": pl.String,
    "truth": pl.String,
    "reason": pl.String,
    "excerpt": pl.String,
}
EXCERPT = 200  # characters
_BLOCK = 16 << 20  # bytes of JSON lines parsed at once
_ROWS = 65_536  # rows of a frame

Names = tuple[str, str, str]


def suffix(name: str) -> str:
    """The suffix that says the format, without that of a compression; "" where it is unknown."""
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return next((known for known in SUFFIXES if name.endswith(known)), "")


def read(filesystem: pa.fs.FileSystem, path: str) -> Iterator[pl.DataFrame]:
    """Frames of the rows of one file.

    Raises:
        UserError: unknown suffix, damaged file, or columns in which no format is recognized.
    """
    kind = suffix(path)
    reader = {".json": _json, ".jsonl": _lines, ".ndjson": _lines, ".parquet": _parquet, "": None}.get(kind, _arrow)
    if reader is None:
        raise UserError(f"{path}: unknown kind of file; expected {', '.join(SUFFIXES)}, also with .gz or .zst")
    try:
        yield from reader(filesystem, path)
    except (OSError, pa.ArrowInvalid, zlib.error) as error:
        raise UserError(f"{path}: cannot be read as {kind[1:]} ({error})") from error


def names_in(columns: Iterable[str], path: str) -> Names:
    """Which columns are instruction, input and answer ("" for one that is not there).

    Raises:
        UserError: no known format; the message names the columns found.
    """
    have = set(columns)
    for instruction, extra, answer in sorted(FORMATS, key=lambda format: format[2] not in have):
        if instruction in have:
            return instruction, extra if extra in have else "", answer if answer in have else ""
    known = "; ".join(" + ".join(filter(None, format)) for format in FORMATS)
    raise UserError(f"{path}: no known columns (found: {', '.join(sorted(have)) or 'none'}; known: {known})")


def _open(filesystem: pa.fs.FileSystem, path: str) -> Any:
    return filesystem.open_input_stream(path, compression="detect")


def _json(filesystem: pa.fs.FileSystem, path: str) -> Iterator[pl.DataFrame]:
    with _open(filesystem, path) as stream:
        text = stream.read().removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text.lstrip().startswith("{"):
            yield from _lines(filesystem, path)  # JSON lines under the name .json, which is common
            return
        raise UserError(f"{path}: broken JSON at line {error.lineno}, column {error.colno}: {error.msg}") from error
    del text
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        value = value["data"]
    if not isinstance(value, list):
        found = f"keys {', '.join(list(value)[:5])}" if isinstance(value, dict) else type(value).__name__
        raise UserError(f'{path}: expected a list of rows or {{"data": [rows]}}, found {found}')
    names = names_in(_keys(value), path)
    for start in range(0, len(value), _ROWS):
        rows = value[start : start + _ROWS]
        yield _frame(range(start + 1, start + 1 + len(rows)), rows, names)


def _lines(filesystem: pa.fs.FileSystem, path: str) -> Iterator[pl.DataFrame]:
    names = None
    line = 0
    for block in _blocks(filesystem, path):
        numbers, rows = [], []
        for text in block.decode("utf-8", "surrogateescape").split("\n"):
            line += 1
            if text and not text.isspace():
                numbers.append(line)
                rows.append(_parse(text))
        if not rows:
            continue
        names = names or names_in(_keys(rows), path)
        yield _frame(numbers, rows, names)


def _blocks(filesystem: pa.fs.FileSystem, path: str) -> Iterator[bytes]:
    """The bytes of a text file in blocks of whole lines, without the last line's end."""
    with _open(filesystem, path) as stream:
        rest = stream.read(3).removeprefix(b"\xef\xbb\xbf")
        while more := stream.read(_BLOCK):
            whole, newline, tail = more.rpartition(b"\n")
            if newline:
                yield rest + whole
                rest = tail
            else:
                rest += more
        if rest:
            yield rest


class _Broken(str):
    """A line that is no JSON."""


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _Broken(text)


def _keys(rows: list[Any]) -> list[str]:
    """Names of the fields of the first thousand rows."""
    return list(dict.fromkeys(key for row in rows[:1000] if isinstance(row, dict) for key in row))


def _frame(numbers: Iterable[int], rows: list[Any], names: Names) -> pl.DataFrame:
    """Parsed JSON values as a frame: reasons for what is no object, no text, no UTF-8 or not there."""
    reasons: dict[int, str] = {
        i: "bad_json" if isinstance(row, _Broken) else "not_an_object"
        for i, row in enumerate(rows)
        if not isinstance(row, dict)
    }
    columns = []
    for name in names:
        column = [row.get(name) if isinstance(row, dict) else None for row in rows] if name else [None] * len(rows)
        for i, value in enumerate(column):
            if type(value) is str:
                # Bytes that are no UTF-8 came in as lone surrogates, and JSON's \\ud800 makes some as well.
                if not value.isascii() and not _encodable(value):
                    reasons.setdefault(i, "bad_utf8")
                    column[i] = None
            elif value is not None:
                reasons.setdefault(i, "wrong_type")
                column[i] = None
        columns.append(column)
    frame = _raw(list(numbers), columns, [reasons.get(i) for i in range(len(rows))], names)
    bad = frame["reason"].is_not_null().arg_true().to_list()
    excerpts: list[str | None] = [None] * len(rows)
    for i in bad:
        excerpts[i] = _excerpt(rows[i])
    return frame.with_columns(excerpt=pl.Series(excerpts, dtype=pl.String))


def _raw(
    numbers: list[int] | pl.Series, columns: list[Any], reasons: list[str | None] | pl.Series, names: Names
) -> pl.DataFrame:
    """A frame with the reason `missing_field` where an instruction, or an answer that the file has, is not there."""
    data = dict(zip(RAW, [numbers, *columns, reasons, None]))
    frame = pl.DataFrame(data, schema=RAW, strict=False)
    missing = pl.col("instruction").is_null()
    if names[2]:
        missing |= pl.col("truth").is_null()
    return frame.with_columns(
        reason=pl.when(pl.col("reason").is_null() & missing).then(pl.lit("missing_field")).otherwise("reason")
    )


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _excerpt(row: Any) -> str:
    text = row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)
    return text[:EXCERPT].encode("utf-8", "replace").decode()


def _parquet(filesystem: pa.fs.FileSystem, path: str) -> Iterator[pl.DataFrame]:
    with _seekable(filesystem, path) as file:
        parquet = pq.ParquetFile(file)
        names = names_in(parquet.schema_arrow.names, path)
        yield from _batches(parquet.iter_batches(_ROWS, columns=[name for name in names if name]), names, path)


def _arrow(filesystem: pa.fs.FileSystem, path: str) -> Iterator[pl.DataFrame]:
    with _seekable(filesystem, path) as file:
        head = file.read(6)
        file.seek(0)
        if head == b"ARROW1":
            reader = pa.ipc.open_file(file)
            batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:  # what `datasets` writes is a stream
            reader = pa.ipc.open_stream(file)
            batches = iter(reader)
        names = names_in(reader.schema.names, path)
        yield from _batches((batch.select([name for name in names if name]) for batch in batches), names, path)


def _seekable(filesystem: pa.fs.FileSystem, path: str) -> Any:
    if not path.endswith(COMPRESSED):
        return filesystem.open_input_file(path)
    with _open(filesystem, path) as stream:
        return pa.BufferReader(stream.read())


def _batches(batches: Iterable[pa.RecordBatch], names: Names, path: str) -> Iterator[pl.DataFrame]:
    row = 1
    for batch in batches:
        count = batch.num_rows
        columns, reasons = [], pl.Series("reason", [None] * count, dtype=pl.String)
        for name in names:
            column, bad = _texts(batch.column(name), f"{path}: column '{name}'") if name else (None, None)
            columns.append(column)
            if bad:
                reasons[bad] = "bad_utf8"
        numbers = pl.Series(range(row, row + count), dtype=pl.Int64)
        frame = _raw(numbers, columns, reasons, names)
        shown = pl.concat_str(["instruction", "input", "truth"], separator=" | ", ignore_nulls=True)
        yield frame.with_columns(
            excerpt=pl.when(pl.col("reason").is_not_null()).then(shown.str.slice(0, EXCERPT)),
        )
        row += count


def _texts(array: pa.Array, what: str) -> tuple[pl.Series, list[int]]:
    """A column as text and the indices of the values that are no UTF-8 (nulls in the text)."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_null(array.type):
        return pl.Series([None] * len(array), dtype=pl.String), []
    text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type)
    binary = pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type)
    if not text and not binary:
        raise UserError(f"{what} is {array.type}, expected text")
    try:
        array = array.cast(pa.large_binary()).cast(pa.large_string())  # this cast validates
        return pl.Series(pl.from_arrow(array), dtype=pl.String), []
    except pa.ArrowInvalid:
        values = array.cast(pa.large_binary()).to_pylist()
    bad = [i for i, value in enumerate(values) if value is not None and not _decodable(value)]
    for i in bad:
        values[i] = None
    return pl.Series([None if value is None else value.decode() for value in values], dtype=pl.String), bad


def _decodable(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
