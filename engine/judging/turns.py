"""A conversation's other turns on their way through translation and judging: each is a row of its own.

    append   a row with a system prompt or a history is followed, at the table's end, by one row for each of their texts
    fold     after judging, the texts' translations, scores and reasons return to their row (`mt_history`, ...)
    unfold   the same texts again from a POOL table, to decide anew under other thresholds

So no stage knows of conversations. A turn's row holds the text as its instruction and nothing else. Its `origin` ends
in "#system" or "#turn3", which no row of a source does: theirs end in a row number. Turns without text and what a tool
says are data: they are not translated, and their text stays as it is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.prompts.conversation import Turn
from polydistill.engine.schema import FIELDS, JUDGED, POOL

_TURN = r"#(system|turn\d+)$"
_SYSTEM = "system"
_QUESTION = "instruction"  # the field that a turn's row holds its text in
_MADE = ("mt", "notes", "scores", "reason")
"""What translator and judge add to a text: prefixes of columns, and the fields of `_Text`."""


@dataclass(frozen=True)
class _Text:
    """A text of a conversation after translation and judging; all null for one that is not translated."""

    mt: str | None = None
    notes: list[str] | None = None
    scores: Mapping[str, object] | None = None  # as the columns `scores_*` of POOL
    reason: str | None = None
    reasons: Mapping[str, str | None] = field(default_factory=dict)  # of its row, by column: `reason`, ...


@dataclass(frozen=True)
class _Folded:
    """The texts of a row's conversation."""

    system: _Text
    history: list[_Text] | None  # one for each turn

    def column(self, name: str) -> object:
        """The value of a column, e.g. `mt_system` or `reason_history`."""
        kind, _, part = name.partition("_")
        if part == _SYSTEM:
            return getattr(self.system, kind)
        return None if self.history is None else [getattr(text, kind) for text in self.history]

    def reason(self, own: str | None, column: str) -> str | None:
        """Question first, then the conversation around it, then the answers.

        Args:
            own: the row's reason without its conversation.
            column: the one that `own` is of, `reason` or one of RESCUED.
        """
        if own and own.split(":")[0] in FIELDS[:2]:
            return own
        for name, text in [(_SYSTEM, self.system), *(("history", text) for text in self.history or ())]:
            part, _, found = (text.reasons.get(column) or "").partition(":")
            if part == _QUESTION:  # a turn has no answer, and the judge says so as well
                return f"{name}:{_short(found)}"
        return own


def append(rows: pa.Table) -> pa.Table:
    """The rows, and behind them one for each text of their system prompts and histories that is to be translated.

    Args:
        rows: GENERATED rows, perhaps with further columns. These are null in the turns' rows.
    """
    if not has_turns(rows):
        return rows
    several = rows.filter(pc.or_(pc.is_valid(rows["system"]), pc.is_valid(rows["history"])))
    turns = []
    for row in several.select(["id", "source", "origin", "system", "history"]).to_pylist():
        for name, text in _texts(row["system"], row["history"]):
            turns.append({"id": row["id"], "source": row["source"], "truth": ""} | _turn(row["origin"], name, text))
    return pa.concat_tables([rows, pa.Table.from_pylist(turns, schema=rows.schema)])


def fold(judged: pa.Table) -> pa.Table:
    """POOL rows from JUDGED ones: the turns' rows become columns of the row that they belong to.

    A row whose system prompt or history has an unusable translation is unusable as well: "system:off_target".
    """
    fields = [field for field in POOL if field.name not in JUDGED.names]
    names = [*POOL.names, *(name for name in judged.column_names if name not in JUDGED.names)]  # those of RESCUED
    if not has_turns(judged):
        for field in fields:
            judged = judged.append_column(field, pa.nulls(judged.num_rows, field.type))
        return judged.select(names)
    is_turn = pc.match_substring_regex(judged["origin"], _TURN)
    rows = judged.filter(pc.invert(is_turn))
    decided = ["reason", *(name for name in names if name.startswith("reason_without_"))]
    found: dict[tuple[str, str], dict[str, _Text]] = {}
    for turn in judged.filter(is_turn).to_pylist():
        part = turn["origin"].rpartition("#")[2]
        made = {kind: turn[f"{kind}_{_QUESTION}"] for kind in _MADE}
        text = _Text(**made, reasons={name: turn[name] for name in decided})
        found.setdefault((turn["id"], turn["target"]), {})[part] = text
    folded = [
        _fold_row(row["history"], found.get((row["id"], row["target"]), {}))
        for row in rows.select(["id", "target", "history"]).to_pylist()
    ]
    table = rows
    for column in fields:
        table = table.append_column(column, pa.array([row.column(column.name) for row in folded], column.type))
    for name in decided:
        reasons = [row.reason(own, name) for row, own in zip(folded, rows[name].to_pylist())]
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(reasons, pa.string()))
    return table.select(names)


def unfold(pool: pa.Table) -> pa.Table:
    """JUDGED rows from POOL ones: the rows, and behind them their turns as `append` made and the judge scored them."""
    if not has_turns(pool):
        return pool.select(JUDGED.names)
    turns = []
    for row in pool.filter(pc.or_(pc.is_valid(pool["system"]), pc.is_valid(pool["history"]))).to_pylist():
        parts = {_SYSTEM: _Text(*(row[f"{name}_system"] for name in _MADE))}
        columns = (row[f"{name}_history"] or [] for name in _MADE)
        parts |= {f"turn{number}": _Text(*part) for number, part in enumerate(zip(*columns))}
        for name, text in _texts(row["system"], row["history"]):
            made = parts[name]
            turn = {"id": row["id"], "source": row["source"], "target": row["target"], "truth": ""}
            turn |= {f"{column}_instruction": getattr(made, column) for column in _MADE}
            turn["reason"] = f"instruction:{made.reason}" if made.reason else None
            turns.append(turn | _turn(row["origin"], name, text))
    return pa.concat_tables([pool.select(JUDGED.names), pa.Table.from_pylist(turns, schema=JUDGED)])


def has_turns(rows: pa.Table) -> bool:
    """Whether any row is a conversation of several turns or has a system prompt."""
    return rows["system"].null_count + rows["history"].null_count < 2 * rows.num_rows


def _texts(system: str | None, history: Sequence[Turn] | None) -> Iterator[tuple[str, str]]:
    """Name ("system", "turn0", ...) and text of all that is to be translated."""
    if system:
        yield _SYSTEM, system
    for number, turn in enumerate(history or ()):
        if turn["content"] and turn["role"] != "tool":
            yield f"turn{number}", turn["content"]


def _turn(origin: str, name: str, text: str) -> dict[str, str]:
    """The columns of a turn's row that are not its conversation's."""
    return {"origin": f"{origin}#{name}", "instruction": text, "input": ""}


def _fold_row(history: Sequence[Turn] | None, texts: Mapping[str, _Text]) -> _Folded:
    """What a row gets of its turns' texts. What is not translated stays as it is."""
    system = texts.get(_SYSTEM, _Text())
    if history is None:
        return _Folded(system, None)
    turns = enumerate(history)
    return _Folded(system, [texts.get(f"turn{number}", _Text(turn["content"])) for number, turn in turns])


def _short(reason: str) -> str:
    return re.sub(r"^error: .*", "error", reason, flags=re.DOTALL)
