"""Figures about judged rows: small enough for a unit's record, complete enough for the run's report."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine import schema

QUALITY_EDGES = np.linspace(0.0, 1.0, 21)
"""Edges of the QE histogram: 20 bins from 0 to 1. Scores outside fall into the first or last bin."""
RATIO_EDGES = np.exp2(np.linspace(-3, 3, 25))
"""Edges of the length-ratio histogram: 24 bins from 1/8 to 8, four per factor of two."""


@dataclass(frozen=True)
class FieldFigures:
    """One field of the rows: instruction, input, truth or self."""

    reasons: dict[str, int] = field(default_factory=dict)  # drop reason -> hypotheses
    quality: list[int] = field(default_factory=lambda: [0] * (len(QUALITY_EDGES) - 1))  # hypotheses per bin
    length_ratio: list[int] = field(default_factory=lambda: [0] * (len(RATIO_EDGES) - 1))  # hypotheses per bin


@dataclass(frozen=True)
class RowFigures:
    """Rows in one target language. `rows` equals `kept` plus the sum of `reasons`."""

    rows: int = 0
    kept: int = 0
    failed: int = 0  # rows dropped because of an error, not because of a score
    reasons: dict[str, int] = field(default_factory=dict)  # "field:reason" -> rows
    fields: dict[str, FieldFigures] = field(default_factory=dict)


def figures_of(table: pa.Table) -> RowFigures:
    """The figures of POOL rows of one language."""
    reasons = _counts(table["reason"])
    fields = {}
    for name in schema.FIELDS:
        scores = table[f"scores_{name}"].combine_chunks()
        fields[name] = FieldFigures(
            _counts(table[f"reason_{name}"]),
            _histogram(pc.struct_field(scores, "quality"), QUALITY_EDGES),
            _histogram(pc.struct_field(scores, "length_ratio"), RATIO_EDGES),
        )
    failed = sum(count for reason, count in reasons.items() if reason.endswith(":error"))
    return RowFigures(table.num_rows, table["reason"].null_count, failed, reasons, fields)


def merge(parts: Iterable[RowFigures]) -> RowFigures:
    """The figures of several tables together."""
    parts = list(parts)
    fields = {
        name: FieldFigures(
            _sum(part.fields[name].reasons for part in parts if name in part.fields),
            _add([part.fields[name].quality for part in parts if name in part.fields], len(QUALITY_EDGES) - 1),
            _add([part.fields[name].length_ratio for part in parts if name in part.fields], len(RATIO_EDGES) - 1),
        )
        for name in schema.FIELDS
    }
    return RowFigures(
        sum(part.rows for part in parts),
        sum(part.kept for part in parts),
        sum(part.failed for part in parts),
        _sum(part.reasons for part in parts),
        fields,
    )


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return dict(total)


def _add(histograms: list[list[int]], bins: int) -> list[int]:
    return [sum(column) for column in zip(*histograms)] if histograms else [0] * bins


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    """Reason -> rows. An error counts without its message: "error: ..." is "error"."""
    short = pc.replace_substring_regex(column.drop_null(), r"^((?:\w+:)?error).*", r"\1")
    return {item["values"]: item["counts"] for item in pc.value_counts(short.combine_chunks()).to_pylist()}


def _histogram(values: pa.Array, edges: np.ndarray) -> list[int]:
    numbers = values.drop_null().to_numpy(zero_copy_only=False)
    return np.histogram(np.clip(numbers, edges[0], edges[-1]), edges)[0].tolist()
