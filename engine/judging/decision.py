"""From stored scores and flags to the reason why a text, and a row, is not used."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.config import Judge
from polydistill.engine.judging import rules
from polydistill.engine.schema import FIELDS, POOL, SCORES

Values = dict[str, np.ndarray]

_NUMBERS = [field.name for field in SCORES if pa.types.is_floating(field.type)]


def reasons(table: pa.Table, judge: Judge) -> pa.Table:
    """Decide again, from stored scores and flags: a POOL table with new `reason_*` and `reason`.

    Scores and flags stay as they are. A text that `judge` wants a quality score of, that no other rule fails and that
    has none is "unscored".
    """
    target = table["target"].to_numpy(zero_copy_only=False)
    columns = {f"reason_{field}": _of_field(table, field, target, judge) for field in FIELDS}
    row = _of_row(table, columns)
    for name, values in [*columns.items(), ("reason", row)]:
        column = pa.array(values, pa.string(), mask=values == "")
        index = table.schema.get_field_index(name)
        table = table.append_column(name, column) if index < 0 else table.set_column(index, name, column)
    return table.select(POOL.names).cast(POOL)


def decide(values: Values, flags: Values, target: str | np.ndarray, judge: Judge) -> np.ndarray:
    """Name of the first test that each hypothesis fails, "" where it fails none.

    Args:
        values: columns of schema.SCORES, each of shape (rows,): numbers with NaN, `language` with None for null.
        flags: bool (rows,) by name.
        target: target language, one for all or of shape (rows,).

    Returns:
        Strings (rows,) in an object array.
    """
    language = values["language"]
    scores = rules.Scores(
        values, (language != target) & ~pc.is_null(pa.array(language, pa.string())).to_numpy(zero_copy_only=False)
    )
    names = [name for name in (*rules.ALWAYS, *judge.rules.drop) if name in flags]
    tests = [(name, flags[name]) for name in names]
    tests += [(name, rule(scores, judge)) for name, rule in rules.SCORE_RULES.items()]
    if judge.quality is not None:
        tests.append(("unscored", np.isnan(values["quality"])))
    chosen = np.full(len(language), "", object)
    for name, fired in reversed(tests):
        chosen[fired.astype(bool)] = name
    return chosen


def _of_field(table: pa.Table, field: str, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Reason of each row's hypothesis of one field, "" where it is usable or there is nothing to translate."""
    scores = table[f"scores_{field}"].combine_chunks()
    values = {name: pc.struct_field(scores, name).to_numpy(zero_copy_only=False) for name in _NUMBERS}
    values["language"] = pc.struct_field(scores, "language").to_numpy(zero_copy_only=False)
    lists = pc.struct_field(scores, "flags")
    rows, names = pc.list_parent_indices(lists).to_numpy(), pc.list_flatten(lists)
    flags: Values = {}
    for name in pc.unique(names).to_pylist():
        flags[name] = np.zeros(table.num_rows, bool)
        flags[name][rows[pc.equal(names, name).to_numpy(zero_copy_only=False)]] = True
    chosen = decide(values, flags, target, judge)
    given, made = has_text(table, field), scores.is_valid().to_numpy(zero_copy_only=False)
    # Something was to be translated and nothing came back: an error of the translator, not a low score.
    return np.where(made, chosen, np.where(given, "error", ""))


def _of_row(table: pa.Table, columns: dict[str, np.ndarray]) -> np.ndarray:
    """Reason of each row, "" where the question and at least one answer are usable."""
    result = np.full(table.num_rows, "answer:missing", object)
    usable = np.zeros(table.num_rows, bool)
    for field in ("self", "truth"):  # the first answer's reason is told
        reason = columns[f"reason_{field}"]
        usable |= has_text(table, field) & (reason == "")
        result = np.where(reason != "", f"{field}:" + reason, result)
    result[usable] = ""
    for field in ("input", "instruction"):
        reason = columns[f"reason_{field}"]
        result = np.where(reason != "", f"{field}:" + reason, result)
    return result


def has_text(table: pa.Table, column: str) -> np.ndarray:
    """Whether a string column is neither null nor empty: bool (rows,)."""
    return pc.greater(pc.binary_length(table[column]), 0).fill_null(False).to_numpy(zero_copy_only=False)
