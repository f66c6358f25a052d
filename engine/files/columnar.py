"""Parquet and Arrow from outside. Nothing in them is believed before it has been validated.

Arrow's readers check lengths and metadata, but neither offsets, UTF-8 nor dictionary indices. Values of an array that
is corrupt there are read from anywhere in memory, which ends the process. So every batch is validated in full.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from polydistill.engine.files.batch import ROWS, Rows
from polydistill.engine.files.decode import Bytes
from polydistill.engine.files.source import File, reading


def parquet_rows(file: File) -> Iterator[Rows]:
    """Rows of a Parquet file, row group by row group.

    Raises:
        UserError: the file is damaged.
    """
    with reading(file, "parquet"), Bytes(file) as stream:
        parquet = pq.ParquetFile(stream.seekable(), pre_buffer=False)
        yield from _rows(parquet.iter_batches(ROWS))


def arrow_rows(file: File) -> Iterator[Rows]:
    """Rows of an Arrow IPC file or stream, batch by batch.

    Raises:
        UserError: the file is damaged.
    """
    with reading(file, "arrow"), Bytes(file) as stream:
        source = stream.seekable()
        head = source.read(6)
        source.seek(0)
        if head == b"ARROW1":
            whole = pa.ipc.open_file(source)
            batches: Iterable[pa.RecordBatch] = (whole.get_batch(i) for i in range(whole.num_record_batches))
        else:  # what `datasets` writes is a stream
            batches = pa.ipc.open_stream(source)
        yield from _rows(batches)


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[Rows]:
    number = 1
    for batch in batches:
        names = batch.schema.names
        if len(set(names)) != len(names):
            raise ValueError(f"a column is there twice: {', '.join(sorted(names))}")
        checked = {name: _checked(column) for name, column in zip(names, batch.columns)}
        for start in range(0, batch.num_rows, ROWS):
            columns = [_values(array.slice(start, ROWS)) for array in checked.values()]
            values = [dict(zip(checked, cells)) for cells in zip(*columns)] if columns else []
            yield Rows(list(range(number, number + len(values))), values)
            number += len(values)


def _checked(array: pa.Array) -> pa.Array:
    """The array, validated in full; as bytes where its text is no UTF-8, so that one bad text costs one row.

    Raises:
        pa.ArrowInvalid: the array is corrupt.
    """
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        array = array.view(_binary(array.type))
        array.validate(full=True)
    return array


def _binary(kind: pa.DataType) -> pa.DataType:
    """The type with bytes in place of text, at any depth."""
    if pa.types.is_string(kind):
        return pa.binary()
    if pa.types.is_large_string(kind):
        return pa.large_binary()
    if pa.types.is_string_view(kind):
        return pa.binary_view()
    if pa.types.is_list(kind):
        return pa.list_(_binary(kind.value_type))
    if pa.types.is_large_list(kind):
        return pa.large_list(_binary(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _binary(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_binary(kind.key_type), _binary(kind.item_type))
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _binary(kind.value_type))
    return kind


def _values(array: pa.Array) -> list[Any]:
    values = array.to_pylist()
    return values if _plain(array.type) else [_text(value) for value in values]


def _plain(kind: pa.DataType) -> bool:
    """Whether values of the type are JSON values as they are."""
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return text or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)


def _text(value: Any) -> Any:
    """Bytes as text (bad ones as lone surrogates), and times and the like as text, at any depth."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {key: _text(item) for key, item in value.items()}
    if isinstance(value, list):
        # A map comes as pairs of key and value.
        return [_text(list(item) if isinstance(item, tuple) else item) for item in value]
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)
