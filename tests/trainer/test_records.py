"""What training writes comes back from the file as it was."""

from pathlib import Path

import pytest

from polydistill.engine.errors import DamagedError
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.records import Best, CheckpointRecord, FileDigest, Identity, Progress, Validation

PROGRESS = Progress(120, (Validation(60, 1.5), Validation(120, None)), Best(60, 1.5), 1, ("00ff",))
IDENTITY = Identity({"seed": 1, "lora": None, "betas": [0.9, 0.99]}, "subset_mean", True, "m", ["chat", {"a": 1}], "x")
RECORD = CheckpointRecord(PROGRESS, IDENTITY, 2, "zero3", {"a/b.pt": FileDigest(3, "ff")})


def test_a_checkpoints_record(tmp_path: Path) -> None:
    write_record(Folder.of(tmp_path), "done.json", RECORD)
    assert read_record(Folder.of(tmp_path), "done.json", CheckpointRecord) == RECORD


@pytest.mark.parametrize(("old", "new"), [('"ranks": 2', '"ranks": "two"'), ('"ranks": 2', '"rank": 2')])
def test_a_record_of_another_shape_is_damage(old: str, new: str, tmp_path: Path) -> None:
    write_record(Folder.of(tmp_path), "done.json", RECORD)
    text = (tmp_path / "done.json").read_text()
    assert old in text
    (tmp_path / "done.json").write_text(text.replace(old, new))
    with pytest.raises(DamagedError, match=r"done\.json"):
        read_record(Folder.of(tmp_path), "done.json", CheckpointRecord)
