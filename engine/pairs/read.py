"""The pairs of texts in a file of parallel text, whichever of the published layouts it has."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from polydistill.engine.errors import UserError
from polydistill.engine.files.decode import encodable, read_lines
from polydistill.engine.files.rows import read_rows
from polydistill.engine.files.source import File
from polydistill.engine.files.tables import read_cells
from polydistill.engine.pairs.find import PairFile
from polydistill.engine.pairs.spellings import spelled

Pair = tuple[str, str]  # source, target

_SOURCE_KEYS, _TARGET_KEYS = ("source", "src", "sentence1"), ("target", "tgt", "trg", "sentence2")
_HEADER = {*_SOURCE_KEYS, *_TARGET_KEYS, "score", "id", "lang", "source_lang", "target_lang", "attribution"}
_LOOKED_AT = 100  # lines that decide which columns hold the texts


def read_pairs(file: PairFile, source: str, target: str) -> Iterator[Pair | None]:
    """(source, target) of every line; None for a line that is no pair. A header is no line.

    Two line-by-line files (OPUS, Moses, WMT, NTREX); JSON, CSV, Parquet and Arrow with the two texts under their
    languages' names, also inside "translation" (OPUS on the hub); TAB-separated columns: two texts; a score and two
    texts (LASER); id, text, id, text (Tatoeba); two languages and two texts (Tatoeba Challenge).

    Raises:
        UserError: an unreadable file, line files of different length, or columns that are none of these.
    """
    if file.other is not None:
        return _zipped(file)
    one = File.of(file.path)
    if one.format in ("json", "jsonl", "csv", "parquet", "arrow"):
        return _from_rows(one, file.inverted, source, target)
    return _from_cells(one, file.inverted, source, target)


def _zipped(file: PairFile) -> Iterator[Pair]:
    first, second = (read_lines(File.of(path)) for path in file.paths)
    try:
        for a, b in zip(first, second, strict=True):
            yield a.strip(), b.strip()
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"{file.path} and {file.other} have different numbers of lines. Both sides must come from one release of "
            "one corpus."
        ) from error


def _from_rows(file: File, inverted: bool, source: str, target: str) -> Iterator[Pair | None]:
    for batch in read_rows(file):
        for row in batch.values:
            yield _row_pair(row, inverted, source, target)


def _row_pair(row: Any, inverted: bool, source: str, target: str) -> Pair | None:
    """The texts under the languages' names, whatever their order; else under source and target, in the file's order."""
    row = row.get("translation", row) if isinstance(row, dict) else row
    if not isinstance(row, dict):
        return None
    texts = [next((row[key] for key in row if spelled(key) == code), None) for code in (source, target)]
    if texts == [None, None]:
        texts = [next((row[key] for key in names if key in row), None) for names in (_SOURCE_KEYS, _TARGET_KEYS)]
        texts = texts[::-1] if inverted else texts
    whole = [text.strip() for text in texts if isinstance(text, str) and encodable(text)]
    return (whole[0], whole[1]) if len(whole) == 2 else None


def _from_cells(file: File, inverted: bool, source: str, target: str) -> Iterator[Pair | None]:
    lines = read_cells(file)
    head = list(itertools.islice(lines, _LOOKED_AT))
    if head and _is_header(head[0]):
        inverted = _header_order(head[0], inverted, source)
        head = head[1:]
    columns = _columns(head, file)
    order = slice(None, None, -1) if inverted else slice(None)
    for cells in itertools.chain(head, lines):
        texts = columns(cells)
        yield None if texts is None else _pair(texts[order])


def _pair(texts: Sequence[str]) -> Pair:
    return texts[0].strip(), texts[1].strip()


def _is_header(cells: list[str]) -> bool:
    names = [cell.strip().lower() for cell in cells]
    return len(cells) > 1 and all(name in _HEADER or (name and spelled(name)) for name in names) and len(set(names)) > 1


def _header_order(cells: list[str], inverted: bool, source: str) -> bool:
    """Whether the first text is the target: as the header says, else as the file's name does."""
    codes = [code for cell in cells if (code := spelled(cell.strip()))]
    return codes[0] != source if len(codes) == 2 else inverted


Columns = Callable[[list[str]], Sequence[str] | None]


def _columns(head: list[list[str]], file: File) -> Columns:
    """Which cells of a line are the two texts; decided by what most of the first lines look like."""
    layouts: dict[str, Columns] = {
        "two texts": lambda c: c if len(c) == 2 else None,
        "score, two texts": lambda c: c[1:] if len(c) == 3 and _is_number(c[0]) else None,
        "two texts, score": lambda c: c[:2] if len(c) == 3 and (_is_number(c[2]) or "CC-BY" in c[2]) else None,
        "id, text, id, text": lambda c: c[1::2] if len(c) == 4 and c[0].isdigit() and c[2].isdigit() else None,
        "two languages, two texts": lambda c: c[2:] if len(c) == 4 and spelled(c[0]) and spelled(c[1]) else None,
    }
    fits = {name: sum(layout(cells) is not None for cells in head) for name, layout in layouts.items()}
    best = max(fits, key=lambda name: fits[name])
    if head and not fits[best]:
        shown = "\\t".join(head[0])[:80]
        raise UserError(
            f"{file.name}: no line is a pair (the first: {shown!r}). Expected TAB-separated columns: "
            f"{'; '.join(layouts)}."
        )
    return layouts[best]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
