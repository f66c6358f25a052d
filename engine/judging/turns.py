"""A conversation's other turns on their way through translation and judging: each is a row of its own.

    append   a row with a system prompt or a history is followed, at the table's end, by one row for each of their texts
    fold     after judging, the texts' translations, scores and reasons return to their row (`mt_history`, ...)
    unfold   the same texts again from a POOL table, to decide anew under other thresholds

So no stage knows of conversations. A turn's row holds the text as its instruction and nothing else. Its `origin` ends
in "#system" or "#turn3", which no row of a source does: theirs end in a row number. Turns without text and what a tool
says are data: they are not translated, and their text stays as it is.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.schema import FIELDS, JUDGED, POOL

_TURN = r"#(system|turn\d+)$"
_SYSTEM = "system"
_QUESTION = "instruction"  # the field that a turn's row holds its text in


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
            turns.append(_turn_row(row, name, text) | {"truth": ""})
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
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for turn in judged.filter(is_turn).to_pylist():
        name = turn["origin"].rpartition("#")[2]
        found.setdefault((turn["id"], turn["target"]), {})[name] = turn
    keys = rows.select(["id", "target", "system", "history"]).to_pylist()
    own = [found.get((row["id"], row["target"]), {}) for row in keys]
    made = [_folded(row, turns) for row, turns in zip(keys, own)]
    table = rows
    for field in fields:
        table = table.append_column(field, pa.array([row[field.name] for row in made], field.type))
    for column in ("reason", *(name for name in names if name.startswith("reason_without_"))):
        reasons = [_row_reason(reason, turns, column) for reason, turns in zip(rows[column].to_pylist(), own)]
        index = table.schema.get_field_index(column)
        table = table.set_column(index, column, pa.array(reasons, pa.string()))
    return table.select(names)


def unfold(pool: pa.Table) -> pa.Table:
    """JUDGED rows from POOL ones: the rows, and behind them their turns as `append` made and the judge scored them."""
    if not has_turns(pool):
        return pool.select(JUDGED.names)
    turns = []
    for row in pool.filter(pc.or_(pc.is_valid(pool["system"]), pc.is_valid(pool["history"]))).to_pylist():
        parts = {_SYSTEM: (row["mt_system"], row["notes_system"], row["scores_system"], row["reason_system"])}
        columns = (row[f"{name}_history"] or [] for name in ("mt", "notes", "scores", "reason"))
        parts |= {f"turn{number}": part for number, part in enumerate(zip(*columns))}
        for name, text in _texts(row["system"], row["history"]):
            made = dict(zip(("mt", "notes", "scores", "reason"), parts[name]))
            judged = {f"{column}_instruction": value for column, value in made.items()}
            reason = f"instruction:{made['reason']}" if made["reason"] else None
            turns.append(_turn_row(row, name, text) | judged | {"target": row["target"], "truth": "", "reason": reason})
    return pa.concat_tables([pool.select(JUDGED.names), pa.Table.from_pylist(turns, schema=JUDGED)])


def has_turns(rows: pa.Table) -> bool:
    """Whether any row is a conversation of several turns or has a system prompt."""
    return rows["system"].null_count + rows["history"].null_count < 2 * rows.num_rows


def _texts(system: str | None, history: Sequence[dict[str, Any]] | None) -> Iterator[tuple[str, str]]:
    """Name ("system", "turn0", ...) and text of all that is to be translated."""
    if system:
        yield _SYSTEM, system
    for number, turn in enumerate(history or ()):
        if turn["content"] and turn["role"] != "tool":
            yield f"turn{number}", turn["content"]


def _turn_row(row: dict[str, Any], name: str, text: str) -> dict[str, Any]:
    return {
        **{"id": row["id"], "source": row["source"], "origin": f"{row['origin']}#{name}"},
        **{"instruction": text, "input": ""},
    }


def _folded(row: dict[str, Any], turns: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The columns that a row gets of its turns."""
    result: dict[str, Any] = {}
    for column in ("mt", "notes", "scores", "reason"):
        values = {name: turn[f"{column}_instruction"] for name, turn in turns.items()}
        result[f"{column}_system"] = values.get(_SYSTEM)
        history = row["history"]
        result[f"{column}_history"] = None if history is None else [values.get(f"turn{i}") for i in range(len(history))]
    if result["mt_history"] is not None:  # what is not translated stays as it is
        for number, turn in enumerate(row["history"]):
            if f"turn{number}" not in turns:
                result["mt_history"][number] = turn["content"]
    return result


def _row_reason(reason: str | None, turns: dict[str, dict[str, Any]], column: str) -> str | None:
    """Question first, then the conversation around it, then the answers.

    Args:
        reason: the row's own.
        turns: the JUDGED or RESCUED row of each of its turns, by name.
        column: the one that `reason` is of.
    """
    if reason and reason.split(":")[0] in FIELDS[:2]:
        return reason
    for name in sorted(turns, key=_place):
        field, _, found = (turns[name][column] or "").partition(":")
        if field == _QUESTION:  # a turn has no answer, and the judge says so as well
            return f"{name if name == _SYSTEM else 'history'}:{_short(found)}"
    return reason


def _place(name: str) -> int:
    """The system prompt stands before the turns."""
    return -1 if name == _SYSTEM else int(name.removeprefix("turn"))


def _short(reason: str) -> str:
    return re.sub(r"^error: .*", "error", reason, flags=re.DOTALL)
