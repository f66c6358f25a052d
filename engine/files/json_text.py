"""JSON from outside: one document, an array of rows as a stream, JSON lines whatever their name."""

import json
import re
from collections.abc import Iterator
from typing import Any

from polydistill.engine.errors import UserError
from polydistill.engine.files import decode
from polydistill.engine.files.batch import ROWS, Broken, Rows
from polydistill.engine.files.decode import line_blocks, read_text, text_blocks
from polydistill.engine.files.source import File

_decode = json.JSONDecoder().raw_decode
_SPACE = re.compile(r"[ \t\r\n]*")


def parse_json(text: str, where: str) -> Any:
    """The value of a JSON text.

    Raises:
        UserError: no JSON, nested too deeply, or a number of thousands of digits; `where` names the place.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{where}: broken JSON at line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise UserError(f"{where}: JSON is nested too deeply") from error
    except ValueError as error:
        raise UserError(f"{where}: broken JSON ({error})") from error


def read_json(file: File) -> Any:
    """The value of a whole JSON file.

    Raises:
        UserError: see `parse_json` and `decode.read_text`.
    """
    return parse_json(read_text(file), file.name)


def json_rows(file: File) -> Iterator[Rows]:
    """Rows of a .json or .jsonl file: an array, JSON lines, or an object that holds one array of rows.

    Raises:
        UserError: the file is none of these.
    """
    head = _head(file)
    if re.match(r"\[\s*([{\]]|$)", head) or (file.format == "json" and head.startswith("[")):
        return _array(file)
    if file.format == "jsonl" or _is_lines(head):
        return _lines(file)
    return _document(file)


def _head(file: File) -> str:
    """The first characters that are not white space."""
    return next((text for block in text_blocks(file) if (text := block.lstrip())), "")


def _is_lines(head: str) -> bool:
    """Whether the first line is a JSON object of its own and more follows."""
    first, _, rest = head.partition("\n")
    return bool(rest.strip()) and isinstance(_parse(first), dict)


def _lines(file: File) -> Iterator[Rows]:
    before = 0
    for lines in line_blocks(file):
        numbers, values = [], []
        for number, text in enumerate(lines, before + 1):
            try:
                value, end = _decode(text)  # `json.loads` without its checks, which cost a fifth of the time
            except (ValueError, RecursionError):
                if not text or text.isspace():
                    continue
                value, end = _parse(text), len(text)
            if end < len(text) and text[end:].strip(" \t\r"):
                value = _parse(text)
            numbers.append(number)
            values.append(value)
        before += len(lines)
        if values:
            yield Rows(numbers, values)


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return Broken("bad_json", text)


def _array(file: File) -> Iterator[Rows]:
    """The elements of an array, each parsed as soon as it is there."""
    number, values = 1, []
    for value in _elements(file):
        values.append(value)
        if len(values) == ROWS:
            yield Rows(list(range(number, number + ROWS)), values)
            number, values = number + ROWS, []
    if values:
        yield Rows(list(range(number, number + len(values))), values)


def _elements(file: File) -> Iterator[Any]:
    text = _Stream(file)
    text.peek()
    text.at += 1  # the bracket that `json_rows` has seen
    if text.peek() != "]":
        yield text.value()
        while text.peek() == ",":
            text.at += 1
            yield text.value()
    if text.peek() != "]":
        raise text.broken("expected ',' or ']'" if text.peek() else "the array does not end", text.at)
    text.at += 1
    if text.peek():
        raise text.broken("text after the array", text.at)


class _Stream:
    """A JSON text that is parsed value by value while it is read."""

    def __init__(self, file: File) -> None:
        self._file, self._blocks = file, text_blocks(file)
        self._text, self.at = "", 0
        self._lines = 0  # before `_text`

    def peek(self) -> str:
        """The next character that is not white space, "" at the end."""
        while True:
            self.at = _SPACE.match(self._text, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self._text) or not self._fill():
                return self._text[self.at : self.at + 1]

    def value(self) -> Any:
        """The next value."""
        self.peek()
        while True:
            try:
                value, end = _decode(self._text, self.at)
                if end < len(self._text) or not self._fill():  # a number may go on in the next block
                    self.at = end
                    return value
            except json.JSONDecodeError as error:
                if len(self._text) - self.at > decode.LINE:
                    raise self.broken(f"an element of more than {decode.LINE:,} characters", self.at) from error
                position = error.pos
                if not self._fill():
                    raise self.broken(error.msg, position) from error
            except RecursionError as error:
                raise self.broken("nested too deeply", self.at) from error
            except ValueError as error:
                raise self.broken(str(error), self.at) from error

    def broken(self, problem: str, position: int) -> UserError:
        """The error of a position in the text read last."""
        line = self._lines + self._text.count("\n", 0, position) + 1
        column = position - self._text.rfind("\n", 0, position)
        return UserError(f"{self._file.name}: broken JSON at line {line}, column {column}: {problem}")

    def _fill(self) -> bool:
        """Read one block more; False at the end of the file."""
        more = next(self._blocks, None)
        if more is None:
            return False
        self._lines += self._text.count("\n", 0, self.at)
        self._text, self.at = f"{self._text[self.at :]}{more}\n", 0
        return True


def _numbered(items: dict[str, Any]) -> bool:
    return list(items) == [str(number) for number in range(len(items))]


def _document(file: File) -> Iterator[Rows]:
    """The rows in a JSON object: in its one list of objects, or in columns of equal length.

    pandas numbers rows, or the cells of each column: {"0": row, "1": row}, {"instruction": {"0": text, "1": text}}.
    """
    value = read_json(file)
    if not isinstance(value, dict):
        raise UserError(f"{file.name}: expected a list of rows, found {type(value).__name__}")
    if value and all(isinstance(item, dict) for item in value.values()):
        if _numbered(value):
            value = {"rows": list(value.values())}
        elif all(map(_numbered, value.values())):
            value = {key: list(item.values()) for key, item in value.items()}
    lists = {key: item for key, item in value.items() if isinstance(item, list) and item}
    tables = {key: item for key, item in lists.items() if all(isinstance(row, dict) for row in item)}
    if len(tables) == 1:
        rows = next(iter(tables.values()))
    elif tables:
        raise UserError(
            f"{file.name}: holds several lists of rows ({', '.join(tables)}). Write the one that you mean to a file"
        )
    elif lists and len(lists) == len(value) and len({len(item) for item in lists.values()}) == 1:
        rows = [dict(zip(lists, cells)) for cells in zip(*lists.values())]
    else:
        found = ", ".join(list(value)[:5])
        raise UserError(f'{file.name}: expected a list of rows or {{"data": [rows]}}, found keys {found}')
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        yield Rows(list(range(start + 1, start + 1 + len(part))), part)
