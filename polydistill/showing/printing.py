"""Rows as text for a terminal. Whatever comes from data is escaped (`screen.visible`)."""

import json
from collections.abc import Iterator
from typing import Any

from polydistill.engine.schema import FIELDS, HISTORY
from polydistill.engine.screen import visible
from polydistill.engine.storage.pool_texts import COLUMNS, Text, texts
from polydistill.engine.storage.sampling import Drawn

_TURN = {field.name for field in HISTORY.value_type}


def heading(number: int, drawn: Drawn) -> str:
    """Which row of which shard this is, and what its place says of it."""
    labels = "".join(f", {name} {value}" for name, value in drawn.part.labels.items())
    return visible(f"--- {number}: {drawn.part.name}, row {drawn.position}{labels}")


def as_text(drawn: Drawn) -> str:
    """All columns of a row: a pool row text by text, others column by column; empty ones named at the end."""
    row = drawn.row
    is_pool = "mt_instruction" in row
    columns = {name: value for name, value in row.items() if not (is_pool and name in COLUMNS)}
    empty = [name for name, value in columns.items() if value in (None, "", [])]
    given = {name: value for name, value in columns.items() if name not in empty}
    lines = [line for name, value in given.items() if not _nested(value) for line in _column(name, value)]
    if is_pool:
        lines += [line for text in texts(row) for line in _text(text)]
        empty += [name for name in (*FIELDS, "system", "history") if not row.get(name)]
    lines += [line for name, value in given.items() if _nested(value) for line in _column(name, value)]
    return visible("\n".join([*lines, *(["empty: " + ", ".join(empty)] if empty else [])]))


def _nested(value: Any) -> bool:
    return isinstance(value, list) and isinstance(value[0], dict)


def _column(name: str, value: Any) -> Iterator[str]:
    if _nested(value):
        yield f"{name}:"
        for index, item in enumerate(value):
            if item.keys() == _TURN:
                payload = f"  {item['payload']}" if item["payload"] else ""
                yield from _indented(f"{index + 1} {item['role']}: ", (item["content"] or "(no text)") + payload)
            else:
                yield from _indented(f"{index + 1} ", ", ".join(f"{key} {_plain(one)}" for key, one in item.items()))
    elif isinstance(value, str) and "\n" in value:
        yield f"{name}:"
        yield from _indented("", value)
    else:
        yield f"{name}: {_plain(value)}"


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(text: Text) -> Iterator[str]:
    yield f"{text.name}:"
    yield from _indented("source       ", text.source or "(no text)")
    if text.payload:
        yield from _indented("payload      ", text.payload)
    yield from _indented("translation  ", "(none)" if text.hypothesis is None else text.hypothesis)
    for name, words in text.facts().items():
        yield from _indented(f"{name:13}", words)


def _indented(head: str, text: str) -> Iterator[str]:
    """A text behind its head; its further lines stand below its first one."""
    for index, line in enumerate(text.split("\n")):
        yield f"  {head if index == 0 else ' ' * len(head)}{line}"
