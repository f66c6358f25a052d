"""What a call of synthesis did: counted as it goes, left as a record and read back."""

from pathlib import Path

import pyarrow as pa
import pytest

from polydistill.engine.config import Stage
from polydistill.engine.errors import DamagedError
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.actors import FIGURES
from polydistill.engine.synthesis.summary import (
    FILE,
    StageFigures,
    StageRecord,
    Tally,
    read_summary,
    write_summary,
)


def batch(unit: int, **reasons: int) -> pa.Table:
    """A unit of ten rows in two languages, as it reaches the driver."""
    dropped = sum(reasons.values())
    row = {"unit": unit, "rows": 10, "kept": 10 - dropped, "failed": 1, "reasons": [*reasons]}
    rows = [row | {"target": target, "counts": [*reasons.values()]} for target in ("deu_Latn", "jpn_Jpan")]
    return pa.Table.from_pylist(rows, schema=FIGURES)


def test_units_and_rows_add_up() -> None:
    tally = Tally()
    tally.add(pa.concat_tables([batch(0, copied=2), batch(3)]))
    tally.add(batch(1, copied=1, low_quality=4))
    assert (tally.units, tally.rows, tally.kept, tally.failed) == (3, 60, 46, 6)
    assert tally.reasons == {"copied": 6, "low_quality": 8}
    assert tally.kept + tally.reasons.total() == tally.rows
    assert [rows for _, rows in tally.curve] == [40, 60] and tally.curve[0][0] <= tally.curve[1][0]


def test_the_record_comes_back(tmp_path: Path) -> None:
    folder, tally = Folder.of(tmp_path), Tally()
    assert read_summary(folder) is None
    tally.add(batch(0, copied=2))
    stage = StageFigures(units=1, rows=20, seconds=1.5, first=0.25, reasons={"length": 3})
    record = tally.record("f00", 10, ["deu_Latn", "jpn_Jpan"], {"judge": StageRecord.of(stage, Stage(actors=2))})
    write_summary(folder, record)
    found = read_summary(folder)
    assert found == record and found.stages["judge"].figures == stage and found.curve == tally.curve
    assert (found.stages["judge"].actors, found.stages["judge"].gpus) == (2, 0.0)


@pytest.mark.parametrize("content", ["{", '{"format": 1}', '{"format": 2, "fingerprint": "x"}'])
def test_a_damaged_record_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(DamagedError, match=r"synth\.json"):
        read_summary(Folder.of(tmp_path))
