"""Rows of the report: from all shards, of every reason."""

from pathlib import Path

from polydistill.engine.storage.pool import open_pool
from polydistill.engine.synthesis.reporting.samples import SAMPLES, samples
from tests.engine.pool_fixture import row, write_run


def test_samples_come_from_all_shards_and_reasons(tmp_path: Path) -> None:
    """1,600 rows in 16 shards. The first shard alone would give 8 of 8 kept samples."""
    rows = [row(i, "deu_Latn", **({"reason": "truth:copied"} if i % 4 == 0 else {})) for i in range(1600)]
    pool = open_pool(write_run(tmp_path, {"deu_Latn": rows}, unit_rows=100))
    found = samples(pool)["deu_Latn"]
    assert list(found) == ["kept", "truth:copied"]
    for name, some in found.items():
        assert len(some) == SAMPLES and len({one.part.name for one in some}) > 3
        assert all((one.row["reason"] or "kept") == name for one in some)
    again = samples(pool)["deu_Latn"]
    assert [[one.row for one in some] for some in again.values()] == [[o.row for o in some] for some in found.values()]
