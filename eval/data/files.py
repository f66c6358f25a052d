"""Reading benchmark files through the reader of all foreign files (`engine.files`): errors name file and line."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from polydistill.engine.errors import UserError
from polydistill.engine.files.decode import read_lines
from polydistill.engine.files.hub import snapshot
from polydistill.engine.files.json_text import parse_json, read_json
from polydistill.engine.files.source import File, reading
from polydistill.engine.files.tables import read_cells
from polydistill.engine.languages import get_language
from polydistill.eval.benchmark import LacksLanguage


def find(folder: Path, names: Iterable[str], what: str) -> Path:
    """The first of `names` (also with .gz) that exists in `folder`.

    Raises:
        UserError: there is no such folder.
        LacksLanguage: no file of these names is in it; the message lists them.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder. It should hold the files of {what.split()[0]}")
    tried = list(dict.fromkeys(names))
    for name in tried:
        # Repositories on the hub keep their files in data/.
        for candidate in (folder / name, folder / f"{name}.gz", folder / "data" / name):
            if candidate.is_file():
                return candidate
    raise LacksLanguage(f"{folder}: no file for {what} (looked for {', '.join(tried)}, also with .gz)")


def local(path: str) -> Path:
    """The local folder of a benchmark: `path` itself, or the snapshot of a dataset on the hub ("facebook/belebele").

    Raises:
        UserError: there is no such folder, and the hub gives no dataset of that name.
    """
    folder = Path(path)
    if folder.exists() or "{" in path or path.startswith((".", "/")) or path.count("/") != 1:
        return folder
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        return snapshot(path, "dataset")
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        raise UserError(
            f"{path}: no such folder, and the hub gives no such dataset ({str(error).splitlines()[0]})"
        ) from error


def names_of(code: str) -> dict[str, str]:
    """The names by which files may call a language, for `str.format`: {code}, {iso1}, {iso3}, {name}."""
    known = get_language(code)
    return {"code": code, "iso1": known.iso1, "iso3": known.iso3, "name": known.name.lower().replace(" ", "_")}


def lines(path: Path) -> list[str]:
    """Lines of a text file, without their ends; a trailing empty line is no line.

    Raises:
        UserError: a damaged file, or bytes that are no UTF-8.
    """
    return list(read_lines(File.of(path)))


def json_lines(path: Path, fields: Iterable[str] = ()) -> Iterator[dict[str, object]]:
    """Objects of a JSON Lines file, each with `fields`.

    Raises:
        UserError: a damaged file, a line that is no JSON object, or one without a field.
    """
    for number, line in enumerate(read_lines(File.of(path)), 1):
        if line.strip():
            yield checked(parse_json(line, f"{path}:{number}"), fields, f"{path}:{number}")


def json_file(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        UserError: a damaged file.
    """
    return read_json(File.of(path))


def tsv(path: Path, columns: int, quoted: bool = False) -> Iterator[list[str]]:
    """Rows of a headerless TAB-separated file, each of at least `columns` cells.

    `quoted` reads cells as Python's and pandas' csv do: "..." around a cell, and "" for a quotation mark in it.

    Raises:
        UserError: a damaged file, a quotation mark that does not end, or a row of fewer cells.
    """
    file = File.of(path)
    for number, cells in _quoted(file) if quoted else enumerate(read_cells(file), 1):
        if len(cells) < columns:
            raise UserError(f"{path}:{number}: expected {columns} cells separated by TAB, found {len(cells)}")
        yield cells


def _quoted(file: File) -> Iterator[tuple[int, list[str]]]:
    """Rows of cells, each with the number of its last line."""
    rows = csv.reader((f"{line}\n" for line in read_lines(file)), delimiter="\t", strict=True)
    with reading(file, "tsv"):
        for cells in rows:
            yield rows.line_num, cells


def checked(row: object, fields: Iterable[str], where: str) -> dict[str, object]:
    """`row`, if it is an object with all `fields`."""
    if not isinstance(row, dict):
        raise UserError(f"{where}: expected an object, found {type(row).__name__}")
    for field in fields:
        if field not in row:
            raise UserError(f"{where}: field '{field}' is missing (has: {', '.join(row)})")
    return row


def text_of(row: Mapping[str, object], field: str, where: str) -> str:
    """The text in a field; numbers count as text.

    Raises:
        UserError: the field is missing, null, or holds a list or an object.
    """
    value = checked(row, (field,), where)[field]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UserError(f"{where}: field '{field}' should be text, found {json.dumps(value)[:40]}")
    return str(value)


def objects_in(row: object, field: str, where: str) -> list[dict[str, object]]:
    """The objects of the list in a field.

    Raises:
        UserError: the field is missing, is no list, or an item is no object.
    """
    value = checked(row, (field,), where)[field]
    if not isinstance(value, list):
        raise UserError(f"{where}: field '{field}' should be a list, found {json.dumps(value)[:40]}")
    return [checked(item, (), f"{where}, {field}") for item in value]
