"""CSV, TSV and plain lines."""

import csv
import re
from collections.abc import Iterable, Iterator

from polydistill.engine.errors import UserError
from polydistill.engine.files.batch import ROWS, Broken, Rows
from polydistill.engine.files.decode import LINE, line_blocks, read_lines
from polydistill.engine.files.source import File, reading

TEXT = "text"
"""The column of a plain text file."""

INDEX = "row index"
"""A first column without a name: pandas and R write the rows' numbers there."""


def csv_rows(file: File) -> Iterator[Rows]:
    """Rows of a CSV file with a header. Cells may be quoted and may hold line breaks; "," ";" TAB or "|" separate.

    Excel's line `sep=;` before the header may name the separator.

    Raises:
        UserError: a quotation mark that does not end, or a header that names a column twice or not at all.
    """
    with reading(file, "csv"):
        yield from _rows(file, _quoted(file))


def tsv_rows(file: File) -> Iterator[Rows]:
    """Rows of a TSV file with a header. Quotation marks are text, as usual in TSV.

    Raises:
        UserError: a header that names a column twice or not at all.
    """
    with reading(file, "tsv"):
        yield from _rows(file, ((n, line.split("\t")) for n, line in _numbered(file)))


def read_cells(file: File) -> Iterator[list[str]]:
    """The cells of the lines of a TAB-separated file without a header; bytes that are no UTF-8 are an error."""
    for line in read_lines(file):
        yield line.split("\t")


def text_rows(file: File) -> Iterator[Rows]:
    """The lines of a plain text file that are not blank, as rows of one column."""
    yield from _batches((n, {TEXT: line}) for n, line in _numbered(file))


def _numbered(file: File) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers."""
    number = 0
    for lines in line_blocks(file):
        for line in lines:
            number += 1
            if line and not line.isspace():
                yield number, line.removesuffix("\r")


def _quoted(file: File) -> Iterator[tuple[int, list[str]]]:
    """Rows of cells with the number of the line in which each begins."""
    lines = (f"{line}\n" for block in line_blocks(file) for line in block)
    first, above = next(lines, ""), 0
    if named := re.fullmatch(r'"?sep=(.)"?\s*', first):
        first, above = next(lines, ""), 1
    csv.field_size_limit(LINE)
    begin = above + 1
    reader = csv.reader(_chain(first, lines), delimiter=named[1] if named else _delimiter(first), strict=True)
    try:
        for cells in reader:
            if cells and (len(cells) > 1 or cells[0].strip()):
                yield begin, cells
            begin = above + reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{file.name}:{begin}: broken CSV in the row that begins here ({error}). "
            "A quotation mark inside a quoted cell has to be doubled"
        ) from error


def _chain(first: str, rest: Iterable[str]) -> Iterator[str]:
    yield first
    yield from rest


def _delimiter(header: str) -> str:
    """The one of the usual separators that the header has most of."""
    return max(",;\t|", key=header.count)


def _rows(file: File, cells: Iterator[tuple[int, list[str]]]) -> Iterator[Rows]:
    header = [name.strip() for name in next(cells, (0, []))[1]]
    if len(header) > 1 and not header[0]:
        header[0] = INDEX
    if not all(header) or len(set(header)) != len(header):
        problem = "leaves a column without a name" if not all(header) else "names a column twice"
        raise UserError(f"{file.name}:1: the header {problem}: {', '.join(header)[:200]}")
    width = len(header)
    yield from _batches(
        (n, dict(zip(header, row)) if len(row) == width else Broken("wrong_cells", "\t".join(row))) for n, row in cells
    )


def _batches(rows: Iterable[tuple[int, dict[str, str] | Broken]]) -> Iterator[Rows]:
    numbers, values = [], []
    for number, value in rows:
        numbers.append(number)
        values.append(value)
        if len(values) == ROWS:
            yield Rows(numbers, values)
            numbers, values = [], []
    if values:
        yield Rows(numbers, values)
