"""Rows of a file of any kind, as a stream."""

import re
from collections.abc import Callable, Iterator

from polydistill.engine.errors import UserError
from polydistill.engine.files.batch import Broken, Rows
from polydistill.engine.files.columnar import arrow_rows, parquet_rows
from polydistill.engine.files.json_text import json_rows
from polydistill.engine.files.source import COMPRESSED, FORMATS, File, reading
from polydistill.engine.files.tables import csv_rows, text_rows, tsv_rows

__all__ = ["Broken", "Rows", "read_rows"]

_READERS: dict[str, Callable[[File], Iterator[Rows]]] = {
    "json": json_rows,
    "jsonl": json_rows,
    "csv": csv_rows,
    "tsv": tsv_rows,
    "parquet": parquet_rows,
    "arrow": arrow_rows,
    "text": text_rows,
}


_ADVICE = {
    r"\.(zip|tar|tgz|tbz2|txz|7z|rar)(\.\w+)?$": "It is an archive: unpack it first. ",
    r"\.(xlsx?|xlsm|ods|numbers)$": "Save the sheet as CSV. ",
}


def read_rows(file: File) -> Iterator[Rows]:
    """The rows of one file, batch by batch; which format it has, its ending says.

    Texts that are no UTF-8 hold lone surrogates, see `decode.encodable`. Values are JSON values in every format.

    Raises:
        UserError: no such file, an unknown ending, or a damaged file.
    """
    if not file.format:
        endings = ", ".join(dict.fromkeys(FORMATS))
        advice = next((text for ends, text in _ADVICE.items() if re.search(ends, file.name.lower())), "")
        expected = f"Expected {endings}, also with {', '.join(COMPRESSED)}"
        raise UserError(f"{file.name}: unknown kind of file. {advice}{expected}")
    with reading(file, file.format):
        yield from _READERS[file.format](file)
