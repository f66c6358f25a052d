"""Figures about judged rows: small enough for a unit's record, complete enough for the run's report."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine import schema

QUALITY_EDGES = np.linspace(0.0, 1.0, 21)
"""Borders of the QE histogram: 20 bins from 0 to 1; scores outside fall into the first or last."""
RATIO_EDGES = np.exp2(np.linspace(-3, 3, 25))
"""Borders of the length-ratio histogram: 24 bins from 1/8 to 8, four per factor of two."""


def facts(table: pa.Table) -> dict[str, Any]:
    """Counts and histograms of POOL rows of one language.

    rows = kept + the sum of `reasons` (drop reason -> rows); `failed` counts rows dropped because of an error, not
    a score; `fields` has the same for each field, with `quality` and `length_ratio` histograms (counts per bin).
    """
    reasons = _counts(table["reason"])
    fields = {}
    for field in schema.FIELDS:
        scores = table[f"scores_{field}"].combine_chunks()
        fields[field] = {
            "reasons": _counts(table[f"reason_{field}"]),
            "quality": _histogram(pc.struct_field(scores, "quality"), QUALITY_EDGES),
            "length_ratio": _histogram(pc.struct_field(scores, "length_ratio"), RATIO_EDGES),
        }
    failed = sum(count for reason, count in reasons.items() if reason.endswith(":error"))
    kept = table["reason"].null_count
    return {"rows": table.num_rows, "kept": kept, "failed": failed, "reasons": reasons, "fields": fields}


def merge(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The facts of several tables together."""
    total: dict[str, Any] = {"rows": 0, "kept": 0, "failed": 0, "reasons": Counter()}
    fields: dict[str, Any] = {
        f: {"reasons": Counter(), "quality": [0] * 20, "length_ratio": [0] * 24} for f in schema.FIELDS
    }
    for part in parts:
        for key in ("rows", "kept", "failed"):
            total[key] += part[key]
        total["reasons"].update(part["reasons"])
        for field, known in part["fields"].items():
            fields[field]["reasons"].update(known["reasons"])
            for name in ("quality", "length_ratio"):
                fields[field][name] = [a + b for a, b in zip(fields[field][name], known[name])]
    return total | {"fields": fields}


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    """Reason -> rows; an error's message is cut off ("error: ..." counts as "error")."""
    short = pc.replace_substring_regex(column.drop_null(), r"^((?:\w+:)?error).*", r"\1")
    return {item["values"]: item["counts"] for item in pc.value_counts(short.combine_chunks()).to_pylist()}


def _histogram(values: pa.Array, edges: np.ndarray) -> list[int]:
    numbers = values.drop_null().to_numpy(zero_copy_only=False)
    return np.histogram(np.clip(numbers, edges[0], edges[-1]), edges)[0].tolist()
