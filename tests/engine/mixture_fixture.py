"""A mixture's folder made of tables, written the way mixing writes it."""

from collections import Counter
from pathlib import Path

import pyarrow as pa

from polydistill.engine.mixing.mixture import Mixture, MixtureRecord, Origin, SubsetRecord
from polydistill.engine.mixing.recipe import Recipe, Subset
from polydistill.engine.storage.shards import Folder, write_table


def write_mixture(folder: str | Path, *tables: pa.Table, same_step: bool = False) -> str:
    """One shard for each table of MIXTURE rows; the objective is subset_mean. Returns the folder."""
    place = Folder.of(folder)
    shards = tuple(write_table(place, f"{index:06}.arrow", table) for index, table in enumerate(tables))
    rows = [row for table in tables for row in table.select(["subset", "weight", "target"]).to_pylist()]
    weights = {row["subset"]: row["weight"] for row in rows}
    counts = {name: Counter(str(row["target"]) for row in rows if row["subset"] == name) for name in weights}
    recipe = Recipe(
        name="test",
        objective="subset_mean",
        same_step=same_step,
        subsets={name: Subset(question="source", answer="source", weight=weights[name]) for name in weights},
    )
    record = MixtureRecord(
        recipe=recipe,
        seed=0,
        rows=len(rows),
        subsets=tuple(SubsetRecord(n, weights[n], sum(counts[n].values()), dict(counts[n]), {}) for n in weights),
        dropped={},
        code_switch=(),
        dictionaries=(),
        parallel=(),
        runs=(),
        sources=("eng_Latn",),
        targets=tuple({str(row["target"]) for row in rows}),
        missing_units=0,
        origin=Origin("", 0, (), (), {}, None, {}, None, None, None),
        fingerprint="0" * 16,
        shards=shards,
    )
    Mixture(place, record).write()
    return str(folder)
