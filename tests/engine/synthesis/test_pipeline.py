"""What the driver of the stream does without Ray's runtime. Whole streams run in tests/faults."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.schema import POOL
from polydistill.engine.storage.fingerprint import fingerprint
from polydistill.engine.storage.pool import commit
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis import actors, pipeline
from polydistill.engine.synthesis.remaining import remaining
from polydistill.engine.synthesis.summary import FILE, Tally
from tests.engine.pool_fixture import row
from tests.engine.synthesis.test_remaining import config


def test_a_finished_run_starts_nothing_and_keeps_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, folder = config(tmp_path, targets=["de"]), Folder.of(tmp_path / "out")
    todo = remaining(settings)
    digest = fingerprint(todo.decisive)
    for unit in todo.pending:
        commit(folder, unit, "deu_Latn", pa.Table.from_pylist([row(unit, "deu_Latn")], POOL), fingerprint=digest)
    monkeypatch.setattr(pipeline, "_run", lambda *_: pytest.fail("there is nothing to do"))
    record = pipeline.synthesize(settings)
    assert (record.fingerprint, record.prompts, record.units) == (digest, 5, 0)
    assert not (tmp_path / "out" / FILE).exists()


def batch(rows: int, failed: int) -> pa.Table:
    one = {"unit": 0, "target": "deu_Latn", "rows": rows, "kept": rows - failed, "failed": failed}
    return pa.Table.from_pylist([one | {"reasons": ["truth:error"], "counts": [failed]}], schema=actors.FIGURES)


def stream(*batches: pa.Table) -> Any:
    def iterate(**_: object) -> Iterator[pa.Table]:
        yield from batches

    return SimpleNamespace(iter_batches=iterate)


def test_too_many_failed_rows_stop_the_run() -> None:
    tally = Tally()
    with pytest.raises(UserError, match=r"30 of 200 rows failed \(limit work\.max_failed = 10%\)"):
        pipeline._watch(stream(batch(100, 5), batch(100, 25), batch(100, 0)), 0.1, tally)
    assert tally.rows == 200  # it did not go on


def test_a_few_failed_rows_of_a_small_run_do_not() -> None:
    tally = Tally()
    pipeline._watch(stream(batch(20, 10)), 0.1, tally)
    assert (tally.failed, tally.reasons["truth:error"]) == (10, 10)
