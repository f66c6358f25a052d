"""Which rows are shown: a language, a subset, a reason, and so many at random."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.errors import UserError
from polydistill.engine.languages import language_code
from polydistill.engine.screen import visible
from polydistill.engine.storage.sampling import Group, Part, draw
from polydistill.showing.artifacts import Artifact

KEPT = "kept"
"""As a reason: the rows that have none."""


@dataclass(frozen=True)
class Selection:
    """What the user asks for. None: any."""

    language: str | None = None
    reason: str | None = None  # "low_quality", "instruction:low_quality" or "kept"
    subset: str | None = None  # of a mixture, or a set of an evaluation
    count: int = 5
    seed: int = 0


def select(artifact: Artifact, selection: Selection) -> Group:
    """Draw rows of an artifact.

    Raises:
        UserError: the artifact has no such language, subset or reason, or no row that has them all.
        DamagedError: a shard is not what was written.
    """
    if selection.language:
        selection = replace(selection, language=language_code(selection.language))
    if selection.reason and not artifact.reasons:
        raise UserError(f"--reason: {artifact.root} holds no reasons ({artifact.kind}). See `polydistill inspect`.")
    parts, wanted = artifact.parts, {}
    for name, value in (("language", selection.language), ("subset", selection.subset)):
        if value is None:
            continue
        column = artifact.columns.get(name, name)
        if all(column in part.labels for part in parts):
            parts = _narrow(artifact, parts, name, column, value)
        elif name in artifact.columns:
            wanted[column] = value
        else:
            raise UserError(f"--{name}: {artifact.root} has no {name} ({artifact.kind}).")
    columns = [*wanted, *(artifact.reasons if selection.reason else ())]

    def label(table: pa.Table) -> pa.Array:
        mask = pa.repeat(True, table.num_rows)
        for column, value in wanted.items():
            mask = pc.and_(mask, pc.equal(table[column], value))
        if selection.reason:
            mask = pc.and_(mask, _has_reason(table, artifact.reasons, selection.reason))
        return pc.if_else(mask, "", pa.scalar(None, pa.string()))

    groups = draw(parts, selection.count, selection.seed, columns, label if columns else None)
    if "" not in groups:
        raise UserError(f"{artifact.root}: {_nothing(artifact, parts, columns, selection)}")
    return groups[""]


def _narrow(artifact: Artifact, parts: list[Part], name: str, label: str, value: str) -> list[Part]:
    chosen = [part for part in parts if part.labels[label] == value]
    if not chosen:
        there = ", ".join(sorted({part.labels[label] for part in parts})) or "none"
        raise UserError(f"--{name} {value}: not in {artifact.root} ({artifact.kind}). There: {there}.")
    return chosen


def _has_reason(table: pa.Table, columns: tuple[str, ...], reason: str) -> pa.Array:
    """Whether a row, or any of its texts, has the reason: bool of shape (rows,)."""
    if reason == KEPT:
        return pc.is_null(table[columns[0]])
    pattern = rf"(^|:){re.escape(reason)}(:|$)"
    mask = pa.repeat(False, table.num_rows)
    for column in columns:
        found = _words(table, column)
        mask = pc.or_(mask, pc.fill_null(pc.match_substring_regex(found, pattern), False))
    return mask


def _words(table: pa.Table, column: str) -> pa.Array:
    """A column of reasons as "field:reason"; a history's turns are joined by ":"."""
    values = table[column]
    if pa.types.is_list(values.type):
        values = pa.array([None if some is None else ":".join(filter(None, some)) for some in values.to_pylist()])
        values = values.cast(pa.string())
    field = column.partition("_")[2]
    return pc.binary_join_element_wise(field, values, ":") if column.startswith("reason_") else values


def _nothing(artifact: Artifact, parts: list[Part], columns: list[str], selection: Selection) -> str:
    """Why nothing was drawn, and what there is instead."""
    if not columns:
        return f"no rows ({artifact.kind})."
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for part in parts:
        table = part.read(columns)
        for column in columns:
            values = table[column]
            if pa.types.is_string(values.type):
                for item in pc.value_counts(values).to_pylist():
                    if item["values"] is not None:
                        counts[column][visible(item["values"].partition(": ")[0])] += item["counts"]
    asked = ", ".join(f"{n} {v}" for n, v in vars(selection).items() if n in ("language", "reason", "subset") and v)
    there = "\n".join(
        f"  {column}: " + ", ".join(f"{value} {count:,}" for value, count in sorted(some.items()))
        for column, some in counts.items()
    )
    return f"no row with {asked}. There are:\n{there}" if there else f"no row with {asked}."
