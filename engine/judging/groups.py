"""Work that is done language by language, on tables that hold several languages."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def each_group(
    table: pa.Table, keys: pa.Array | pa.ChunkedArray, work: Callable[[pa.Table, str], pa.Table]
) -> pa.Table:
    """`work(rows, key)` for the rows of every key, in the order of `table`.

    Args:
        table: at least one row.
        keys: string (rows,), what the rows are grouped by.
        work: gives a row for each of its rows, in order.
    """
    parts, order = [], []
    for key in pc.unique(keys).to_pylist():
        rows = np.flatnonzero(pc.equal(keys, key).to_numpy(zero_copy_only=False))
        order.append(rows)
        parts.append(work(table if len(rows) == table.num_rows else table.take(rows), key))
    made, where = pa.concat_tables(parts), np.concatenate(order)
    return made if (np.diff(where) == 1).all() else made.take(np.argsort(where))
