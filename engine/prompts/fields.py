"""Rows of a source become a frame with the columns of a prompt; what cannot be read has a reason."""

import functools
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from polydistill.engine.errors import UserError
from polydistill.engine.files.batch import Broken, Rows
from polydistill.engine.files.decode import encodable
from polydistill.engine.languages import language_code
from polydistill.engine.prompts.columns import Columns, check_columns, find_columns
from polydistill.engine.prompts.conversation import Conversation, Unusable, read_conversation, read_turns

EXCERPT = 200
"""Characters of a dropped row that are kept to look at."""

_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.Int64,  # 1-based number of the row, or line, in its file
    "key": pl.String,  # the row's own id, null where it has none
    "language": pl.String,  # FLORES-200 code of a row's own language, null where it has none
    "instruction": pl.String,
    "input": pl.String,
    "truth": pl.String,
    "system": pl.String,
    "history": pl.List(pl.Struct({"role": pl.String, "content": pl.String, "payload": pl.String})),
    "reason": pl.String,  # why the row cannot be read, null where it can
    "excerpt": pl.String,  # the beginning of a row that cannot be read
}
FRAME = pl.Schema(_COLUMNS)
"""Columns of a frame; null texts were not there."""

_NONE = Columns({}, ())
_NO = "\0"  # a column that no file has


@dataclass
class Notes:
    """What was left out of sources, and what was changed in them."""

    unused: dict[str, Counter[str]] = field(default_factory=dict)  # file -> column without a role -> rows with text
    changed: Counter[str] = field(default_factory=Counter)  # "number": made text; "first_answer": of several; ...
    # Target language -> why existing translations of rows are not used -> rows.
    lost: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


class Fields:
    """Turns the rows of one file into frames, and notes what it leaves out."""

    def __init__(
        self,
        name: str,
        given: Mapping[str, str | None],
        notes: Notes,
        by_row: bool = True,
        elsewhere: frozenset[str] = frozenset(),
    ) -> None:
        """Begin a file.

        Args:
            name: the file, for messages and notes.
            given: columns by role, as configured.
            notes: where to count.
            by_row: whether a column may say a row's language.
            elsewhere: columns that something else reads, so that they count as used.
        """
        self._notes, self._elsewhere = notes, elsewhere
        self._name, self._given, self._by_row = name, given, by_row
        self._known: dict[tuple[str, ...], Columns] = {}
        self._begun = self._answered = self._languages = False

    def frame(self, rows: Rows, key: str | None = None) -> pl.DataFrame:
        """The rows as FRAME.

        Args:
            rows: rows of the file.
            key: under which each row holds its fields; null for the row itself.

        Raises:
            UserError: see `columns.find_columns` and `columns.check_columns`.
        """
        reasons = [_unreadable(value) for value in rows.values]
        values = rows.values
        if any(reasons):
            values = [value if reason is None else {} for value, reason in zip(values, reasons)]
        if key is not None:
            for row in values:
                self._count(row, (name for name in row if name != key))
            values = Rows(rows.numbers, values).under(key).values
        found, kinds = self._find(rows.numbers, values)
        if not self._begun:
            self._begin(values, found)
        self._count_unused(values, found, kinds)

        def texts(role: str, read: Callable[[Any], str | None] = self._text) -> pl.Series:
            names = {columns.names.get(role, _NO) for columns in kinds}
            if names <= {_NO}:
                return pl.Series([None] * len(values), dtype=pl.String)
            if len(names) == 1:  # nearly always: the rows have the same keys
                (name,) = names
                return _series([row.get(name) for row in values], read, reasons)
            column = [row.get(columns.names.get(role, _NO)) for row, columns in zip(values, found)]
            return _series(column, read, reasons)

        data = {role: texts(role) for role in ("instruction", "input", "system")}
        data["truth"], data["key"] = texts("answer", self._answer), texts("id")
        data["language"] = self._language(values, found, reasons)
        data["history"] = pl.Series([None] * len(values), dtype=FRAME["history"])
        if any("history" in columns.names or "messages" in columns.names for columns in kinds):
            data["history"] = self._conversations(values, found, reasons, data)
        frame = pl.DataFrame({"row": rows.numbers} | data | {"reason": reasons, "excerpt": None}, schema=FRAME)
        missing = pl.col("instruction").is_null()
        if self._answered:
            unanswered = pl.col("truth").is_null()
            if any("messages" in columns.names for columns in kinds):
                unanswered &= ~pl.Series([("messages" in columns.names) for columns in found], dtype=pl.Boolean)
            missing |= unanswered
        reason = pl.coalesce("reason", pl.when(missing).then(pl.lit("missing_field")))
        frame = frame.with_columns(reason=reason)
        bad = frame["reason"].is_not_null().arg_true().to_list()
        if not bad:
            return frame
        excerpts: list[str | None] = [None] * len(values)
        for i in bad:
            excerpts[i] = _excerpt(rows.values[i])
        return frame.with_columns(excerpt=pl.Series(excerpts, dtype=pl.String))

    def _find(self, numbers: list[int], values: list[dict[str, object]]) -> tuple[list[Columns], list[Columns]]:
        """The columns of every row, and the different ones. Rows may have different keys, so a key may appear late."""
        shapes = [tuple(row) for row in values]
        distinct = dict.fromkeys(shapes)
        for shape in distinct:
            if shape not in self._known:
                where = f"{self._name}:{numbers[shapes.index(shape)]}"
                self._known[shape] = find_columns(shape, self._given, where) if shape else _NONE
        kinds = [self._known[shape] for shape in distinct]
        return (kinds * len(shapes) if len(kinds) == 1 else [self._known[shape] for shape in shapes]), kinds

    def _begin(self, values: list[dict[str, object]], found: list[Columns]) -> None:
        """Look at the file's beginning: does it fit a format, has it answers, is a column a language?"""
        if not any(values):
            return
        self._begun = True
        texts = {key for row in values for key, value in row.items() if _has_text(value)}
        shapes = {id(columns): columns for columns in found if columns is not _NONE}
        check_columns(list(shapes.values()), texts, self._given, self._name)
        self._answered = any("answer" in columns.names for columns in found)
        named = [row[columns.names["language"]] for row, columns in zip(values, found) if "language" in columns.names]
        # A column `language` of source code holds no language of ours in any row.
        self._languages = self._by_row and (bool(self._given.get("language")) or any(map(_code, named)))

    @property
    def _unused(self) -> Counter[str]:
        return self._notes.unused.setdefault(self._name, Counter())

    def _count_unused(self, values: list[dict[str, object]], found: list[Columns], kinds: list[Columns]) -> None:
        if not any(columns.unused or "language" in columns.names for columns in kinds):
            return
        for row, columns in zip(values, found):
            self._count(row, columns.unused)
            if not self._languages and "language" in columns.names:
                self._count(row, [columns.names["language"]])

    def _count(self, row: dict[str, object], keys: Iterable[str]) -> None:
        for key in keys:
            if key not in self._elsewhere and _has_text(row[key]):
                self._unused[key] += 1

    def _text(self, value: Any) -> str | None:
        """A text or number as text. ValueError for anything else."""
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if value != value:  # NaN is how tables say that there is none
            return None
        self._notes.changed["number"] += 1
        return str(value)

    def _answer(self, value: Any) -> str | None:
        """An answer, or the first of several: a list, SQuAD's {"text": [...]}, XQuAD's [{"text": ...}, ...]."""
        several = False
        while isinstance(value, list) or (isinstance(value, dict) and "text" in value):
            if isinstance(value, list):
                several |= len({json.dumps(item) for item in value}) > 1
                value = value[0] if value else None
            else:
                value = value["text"]
        if several:
            self._notes.changed["first_answer"] += 1
        return self._text(value)

    def _language(self, values: list[dict[str, object]], found: list[Columns], reasons: list[str | None]) -> pl.Series:
        codes: list[str | None] = [None] * len(values)
        if self._languages:
            for i, (row, columns) in enumerate(zip(values, found)):
                value = row.get(columns.names.get("language", _NO))
                codes[i] = _code(value)
                if codes[i] is None and value not in (None, ""):
                    reasons[i] = reasons[i] or "unknown_language"
        return pl.Series(codes, dtype=pl.String)

    def _conversations(
        self,
        values: list[dict[str, object]],
        found: list[Columns],
        reasons: list[str | None],
        data: dict[str, pl.Series],
    ) -> pl.Series:
        """The history; conversations also set the other columns in `data`."""
        history: list[Any] = [None] * len(values)
        columns = {name: data[name].to_list() for name in ("instruction", "truth", "system")}
        for i, (row, roles) in enumerate(zip(values, found)):
            try:
                if "history" in roles.names:
                    history[i] = read_turns(row[roles.names["history"]] or []) or None
                elif "messages" in roles.names:
                    talk = read_conversation(row[roles.names["messages"]])
                    history[i] = self._place(talk, columns, i)
                    for key in talk.lost:
                        self._unused[f"{roles.names['messages']}[].{key}"] += 1
            except Unusable as error:
                reasons[i] = reasons[i] or str(error)
        data |= {name: pl.Series(column, dtype=pl.String) for name, column in columns.items()}
        return pl.Series(history, dtype=FRAME["history"])

    def _place(self, talk: Conversation, columns: dict[str, list[str | None]], i: int) -> Any:
        """Put a conversation into row i; returns its history."""
        history = talk.history
        if talk.system is not None:
            if columns["system"][i] in (None, "", talk.system):
                columns["system"][i] = talk.system
            else:  # the column's comes first
                history = [{"role": "system", "content": talk.system, "payload": None}, *(history or [])]
        columns["instruction"][i], columns["truth"][i] = talk.instruction, talk.truth
        return history


def _unreadable(value: Any) -> str | None:
    if isinstance(value, dict):
        return None
    return value.reason if isinstance(value, Broken) else "not_an_object"


def _series(column: list[Any], read: Callable[[Any], str | None], reasons: list[str | None]) -> pl.Series:
    """A column as text. Values that are none become null and their rows get a reason."""
    with suppress(
        TypeError, UnicodeEncodeError
    ):  # most columns are text throughout, the others are read value by value
        return pl.Series(column, dtype=pl.String)
    for i, value in enumerate(column):
        try:
            column[i] = read(value)
        except ValueError:
            reasons[i] = reasons[i] or "wrong_type"
            column[i] = None
        # Bytes that are no UTF-8 come as lone surrogates, and JSON's "\ud800" makes some as well.
        if column[i] is not None and not column[i].isascii() and not encodable(column[i]):
            reasons[i] = reasons[i] or "bad_utf8"
            column[i] = None
    return pl.Series(column, dtype=pl.String)


def _has_text(value: Any) -> bool:
    """Whether a value is, or holds, a text that is not blank."""
    if isinstance(value, str):
        return bool(value.strip())
    if isinstance(value, dict):
        return any(_has_text(item) for item in value.values())
    return isinstance(value, list) and any(_has_text(item) for item in value)


def _code(value: Any) -> str | None:
    """FLORES-200 code of a language's name; null for what is none."""
    return _code_of(value) if isinstance(value, str) and value.strip() else None


@functools.lru_cache(10_000)
def _code_of(name: str) -> str | None:
    try:
        return language_code(name)
    except UserError:
        return None


def _excerpt(row: Any) -> str:
    text = row.text if isinstance(row, Broken) else json.dumps(row, ensure_ascii=False, default=str)
    return text[:EXCERPT].encode("utf-8", "replace").decode()
