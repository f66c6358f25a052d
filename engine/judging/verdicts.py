"""The scores and flags of many hypotheses, column by column: what the judge measures and what a decision reads."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.schema import SCORES

Columns = dict[str, np.ndarray]

NUMBERS = tuple(field.name for field in SCORES if pa.types.is_floating(field.type))
"""The scores that are numbers; `language` is the one that is not."""


@dataclass(frozen=True)
class Verdicts:
    """Scores and flags of n hypotheses.

    Attributes:
        scores: the columns of `schema.SCORES` but for `flags`. Numbers are float32 (n,) with NaN where not measured;
            `language` is an object array (n,) with None.
        flags: bool (n,) by the names in `schema.Flag`; absent names did not fire.
        present: bool (n,), whether there is a hypothesis. Where there is none, nothing is measured and no flag set.
    """

    scores: Columns
    flags: Columns
    present: np.ndarray

    def __len__(self) -> int:
        return len(self.present)

    def spread(self, which: np.ndarray, present: np.ndarray) -> "Verdicts":
        """The verdict number `which[i]` for row i where `present[i]`, and none elsewhere.

        Args:
            which: int64 (rows,).
            present: bool (rows,).
        """
        scores, flags = {}, {}
        for name, column in self.scores.items():
            scores[name] = np.full(len(present), None if column.dtype == object else np.nan, column.dtype)
            scores[name][present] = column[which[present]]
        for name, fired in self.flags.items():
            flags[name] = np.zeros(len(present), bool)
            flags[name][present] = fired[which[present]]
        return Verdicts(scores, flags, present)

    def with_flags(self, flags: Columns) -> "Verdicts":
        """These verdicts with more flags: bool (n,) by name, in front of those that are there."""
        masked = {name: fired & self.present for name, fired in flags.items()}
        return replace(self, flags=masked | {k: v | masked[k] if k in masked else v for k, v in self.flags.items()})

    def pack(self) -> pa.StructArray:
        """As a column of type `schema.SCORES`; null where there is no hypothesis."""
        fired = np.stack(list(self.flags.values()), axis=1) if self.flags else np.zeros((len(self), 0), bool)
        rows, which = np.nonzero(fired & self.present[:, None])
        offsets = np.searchsorted(rows, np.arange(len(self) + 1)).astype(np.int32)
        names = pa.array(list(self.flags), pa.string()).take(pa.array(which))
        columns: list[pa.Array] = []
        for field in SCORES:
            if field.name == "flags":
                columns.append(pa.ListArray.from_arrays(pa.array(offsets), names))
            else:
                columns.append(pa.array(self.scores[field.name], field.type, from_pandas=True))
        return pa.StructArray.from_arrays(columns, fields=list(SCORES), mask=pa.array(~self.present))

    @classmethod
    def unpack(cls, column: pa.Array | pa.ChunkedArray) -> "Verdicts":
        """From a column of type `schema.SCORES`."""
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        scores = {name: pc.struct_field(column, name).to_numpy(zero_copy_only=False) for name in (*NUMBERS, "language")}
        flags = list_flags(pc.struct_field(column, "flags"))
        return cls(scores, flags, column.is_valid().to_numpy(zero_copy_only=False))


def list_flags(lists: pa.Array) -> Columns:
    """A column of lists of names as one bool column (rows,) for each name, in order of appearance."""
    rows, names = pc.list_parent_indices(lists).to_numpy(), pc.list_flatten(lists)
    flags: Columns = {}
    for name in pc.unique(names).to_pylist():
        flags[name] = np.zeros(len(lists), bool)
        flags[name][rows[pc.equal(names, name).to_numpy(zero_copy_only=False)]] = True
    return flags
