"""Rows for the report: of each language some kept ones, and some of each drop reason, at random over all shards."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.storage.pool import Pool
from polydistill.engine.storage.sampling import Drawn, Part, draw

SAMPLES = 8
"""Kept rows, and dropped rows of each reason, shown for each language."""

SEED = 0
KEPT = "kept"


def samples(pool: Pool) -> dict[str, dict[str, list[Drawn]]]:
    """Target language -> verdict ("kept" or "field:reason", kept first) -> up to SAMPLES rows.

    Raises:
        DamagedError: a shard is not what was committed.
    """
    return {target: _of(pool, target) for target in pool.targets}


def _of(pool: Pool, target: str) -> dict[str, list[Drawn]]:
    units = pool.records[target]
    parts = [Part(record.shard.path, record.shard.rows, _reader(pool, target, unit)) for unit, record in units.items()]
    groups = draw(parts, SAMPLES, SEED, ["reason"], _verdict)
    order = sorted(groups, key=lambda name: (name != KEPT, -groups[name].total, name))
    return {name: groups[name].rows for name in order}


def _reader(pool: Pool, target: str, unit: int) -> Callable[[list[str] | None], pa.Table]:
    return lambda columns: pool.table(target, unit, columns)


def _verdict(table: pa.Table) -> pa.Array:
    return pc.fill_null(table["reason"], KEPT)
