"""From verdicts to the reason why a text, and a row, is not used."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.config import Judge
from polydistill.engine.judging import turns
from polydistill.engine.judging.rules.score_rules import SCORE_RULES
from polydistill.engine.judging.verdicts import Verdicts, list_flags
from polydistill.engine.schema import FIELDS, JUDGED, Flag, Note, Reason

ALWAYS = (Flag.ERROR, Flag.EMPTY, Flag.QUALITY_ERROR)
"""Flags that make a text unusable whatever the configuration: there is no judgment to go by."""


def reasons(table: pa.Table, judge: Judge) -> pa.Table:
    """Decide again, from stored scores and flags: a POOL table with new `reason_*` and `reason`.

    Scores and flags stay as they are. A text that `judge` wants a quality score of, that no other rule fails and that
    has none is "unscored".
    """
    judged = turns.unfold(table)
    return turns.fold(with_reasons(judged, {f: Verdicts.unpack(judged[f"scores_{f}"]) for f in FIELDS}, judge))


def with_reasons(table: pa.Table, verdicts: dict[str, Verdicts], judge: Judge) -> pa.Table:
    """A JUDGED table: `table`, which has everything but the reasons, with them decided from the fields' verdicts."""
    target = table["target"].to_numpy(zero_copy_only=False)
    columns = {f"reason_{field}": _field_reasons(table, field, verdicts[field], target, judge) for field in FIELDS}
    row = _row_reasons(table, columns)
    for name, values in [*columns.items(), ("reason", row)]:
        column = pa.array(values, pa.string(), mask=values == "")
        index = table.schema.get_field_index(name)
        table = table.append_column(name, column) if index < 0 else table.set_column(index, name, column)
    return table.select(JUDGED.names).cast(JUDGED)


def decide(verdicts: Verdicts, target: str | np.ndarray, judge: Judge) -> np.ndarray:
    """Name of the first test that each hypothesis fails, "" where it fails none.

    Args:
        verdicts: what was measured of n hypotheses.
        target: target language, one for all or an object array (n,).
        judge: the thresholds.

    Returns:
        Strings (n,) in an object array.
    """
    targets = np.full(len(verdicts), target, object) if isinstance(target, str) else target
    names = [flag for flag in (*ALWAYS, *judge.rules.drop) if flag in verdicts.flags]
    tests: list[tuple[str, np.ndarray]] = [(name, verdicts.flags[name]) for name in names]
    tests += [(name, rule(verdicts.scores, targets, judge)) for name, rule in SCORE_RULES.items()]
    if judge.quality is not None:
        tests.append((Reason.UNSCORED, np.isnan(verdicts.scores["quality"])))
    chosen = np.full(len(verdicts), "", object)
    for name, fired in reversed(tests):
        chosen[fired.astype(bool)] = str(name)
    return chosen


def _field_reasons(table: pa.Table, field: str, verdicts: Verdicts, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Reason of each row's hypothesis of one field, "" where it is usable or there is nothing to translate."""
    # Something was to be translated and nothing came back: an error of the translator, not a low score.
    absent = np.where(has_text(table, field), str(Flag.ERROR), "").astype(object)  # as long as a reason may be
    if (missing := list_flags(table[f"notes_{field}"].combine_chunks()).get(Note.NOT_GIVEN)) is not None:
        absent[missing] = str(Reason.NOT_GIVEN)
    return np.where(verdicts.present, decide(verdicts, target, judge), absent)


def _row_reasons(table: pa.Table, columns: dict[str, np.ndarray]) -> np.ndarray:
    """Reason of each row, "" where the question and at least one answer are usable."""
    result = np.full(table.num_rows, f"answer:{Reason.MISSING}", object)
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
