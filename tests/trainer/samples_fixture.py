"""Samples as training sees them, from lengths alone: no tokenizer, no mixture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from polydistill.engine.storage.shards import Folder, write_table
from polydistill.trainer.data.samples import Samples


def write_samples(
    folder: Path, lengths: Sequence[int], subsets: Sequence[int] | None = None, rows: Sequence[int] | None = None
) -> Samples:
    """Samples whose prompt is one token and whose tokens count up from 0 over all of them.

    Args:
        folder: where their row ids are kept.
        lengths: tokens of each.
        subsets: subset number of each, by default 0.
        rows: the row that each was made of, where a test asks for it.
    """
    count, length = len(lengths), np.array(lengths, dtype=np.int64)
    place, ids = Folder.of(folder), pa.array([f"{row:016x}" for row in rows or []], pa.string())
    return Samples(
        flat=[np.arange(length.sum(), dtype=np.int32)],
        shard=np.zeros(count, dtype=np.int32),
        start=np.cumsum(length) - length,
        length=length,
        prompt=np.ones(count, dtype=np.int64),
        gaps=np.zeros((0, 3), dtype=np.int64),
        subset=np.zeros(count, dtype=np.int64) if subsets is None else np.array(subsets, dtype=np.int64),
        weight=np.ones(count),
        validation=np.zeros(count, dtype=bool),
        place=place,
        files=[write_table(place, "ids.arrow", pa.table({"id": ids}))] if rows else [],
    )
