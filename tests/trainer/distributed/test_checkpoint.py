"""Checkpoints on disk: only those written to the end count, and of these only whole ones of this very run."""

from dataclasses import replace
from pathlib import Path

import pytest

from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.storage.record import write_record
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.distributed import checkpoint
from polydistill.trainer.distributed.digests import folder_digests
from polydistill.trainer.records import CheckpointRecord, Identity, Progress

pytestmark = pytest.mark.usefixtures("one_rank")
IDENTITY = Identity({"seed": 0}, "subset_mean", False, "student", "raw", "mixture")


def write(folder: Path, step: int) -> Path:
    """A checkpoint after `step` steps, its files as they are after saving."""
    place = folder / checkpoint.name(step)
    place.mkdir(parents=True)
    (place / "weights.pt").write_bytes(b"w" * step)
    (place / "optimizer.pt").write_bytes(b"o" * step)
    files = folder_digests(str(place), "")
    write_record(Folder.of(place), checkpoint.MARK, CheckpointRecord(Progress(step), IDENTITY, 1, "zero2", files))
    return place


def newest(folder: Path, identity: Identity = IDENTITY) -> int | None:
    found = checkpoint.newest(Folder.of(folder), identity)
    return found and found.progress.step


def test_names_sort_as_steps_do() -> None:
    assert sorted([checkpoint.name(step) for step in (9, 10, 120, 99_999)])[-1] == "099999"


def test_remains_of_a_crash_are_no_checkpoint(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    write(tmp_path, 4)
    (tmp_path / "000008").mkdir()
    (tmp_path / "000008/weights.pt").touch()
    write(tmp_path, 12).rename(tmp_path / "000012-universal")
    assert checkpoint.finished(Folder.of(tmp_path)) == ["000004"] and newest(tmp_path) == 4


@pytest.mark.parametrize("damage", ["cut", "gone", "mark"])
def test_a_damaged_one_is_passed_over_with_a_word(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, 4)
    last = write(tmp_path, 8)
    if damage == "mark":
        (last / checkpoint.MARK).write_text("{")
    elif damage == "cut":
        (last / "weights.pt").write_bytes(b"w")
    else:
        (last / "weights.pt").unlink()
    assert newest(tmp_path) == 4
    said = capsys.readouterr().err
    assert str(last) in said and "An older checkpoint is used" in said
    with pytest.raises(DamagedError):
        checkpoint.read(Folder.of(tmp_path), 8)
    assert checkpoint.read(Folder.of(tmp_path), 4).progress.step == 4


def test_another_runs_checkpoint_is_refused_by_what_differs(tmp_path: Path) -> None:
    write(tmp_path, 4)
    with pytest.raises(UserError, match=r"made by another training:\n  train\.seed: was 0, now 1"):
        newest(tmp_path, replace(IDENTITY, settings={"seed": 1}))


def test_a_deletion_takes_the_mark_first(tmp_path: Path) -> None:
    place = write(tmp_path, 4)
    (place / "keep me").mkdir()
    checkpoint.remove(Folder.of(tmp_path), "000004")
    assert not place.exists()
    checkpoint.remove(Folder.of(tmp_path), "000004")  # nothing is there
    assert checkpoint.finished(Folder.of(tmp_path)) == []
