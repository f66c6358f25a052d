"""A finished training's folder: whole, begun, damaged, or another's."""

from dataclasses import replace
from pathlib import Path

import pytest

from polydistill.engine.errors import DamagedError
from polydistill.engine.storage.artifact import State
from polydistill.engine.storage.record import write_record
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.artifact import Checkpoint
from polydistill.trainer.distributed.digests import folder_digests
from polydistill.trainer.records import TRAINING, Identity, TrainingRecord

IDENTITY = Identity({"seed": 0}, "subset_mean", False, "student", "raw", "mixture")


@pytest.fixture
def trained(tmp_path: Path) -> str:
    (tmp_path / "run/model").mkdir(parents=True)
    (tmp_path / "run/model/model.safetensors").write_bytes(b"weights")
    files = folder_digests(str(tmp_path / "run"), "model")
    figures = {"steps": 4, "steps_per_epoch": 4, "ranks": 1, "fill": 0.9, "answer_tokens_per_step": 10.0}
    record = TrainingRecord(
        signature="s", student="x", identity=IDENTITY, model="model", files=files, **figures, dropped={}, skipped=(),
        subsets={}, validation=(), best=None, packed_difference=0.0, curve=[{"step": 1, "loss": None}],
    )  # fmt: skip
    write_record(Folder.of(tmp_path / "run"), TRAINING, record)
    return str(tmp_path / "run")


def test_a_whole_one(trained: str) -> None:
    found = Checkpoint.open(f"{trained}/")
    assert found.path == f"{trained}/model" and found.curve == [{"step": 1, "loss": None}]
    assert found.identity == IDENTITY and found.verify() == []
    assert Checkpoint.state(trained) == Checkpoint.state(trained, IDENTITY) == State.COMPLETE


def test_every_other_state(trained: str, tmp_path: Path) -> None:
    assert Checkpoint.state(str(tmp_path / "nowhere")) == State.ABSENT
    assert Checkpoint.state(trained, replace(IDENTITY, model="another")) == State.FOREIGN
    weights = Path(trained, "model/model.safetensors")
    weights.write_bytes(b"weighty")
    (problem,) = Checkpoint.open(trained).verify()
    assert problem.startswith(f"{weights}: damaged (its content is not what was written). Run `polydistill train`")
    assert Checkpoint.state(trained) == Checkpoint.state(trained, IDENTITY) == State.PARTIAL
    Path(trained, TRAINING).write_text("{")
    with pytest.raises(DamagedError, match=TRAINING):
        Checkpoint.state(trained)
    Path(trained, TRAINING).unlink()
    assert Checkpoint.state(trained) == State.PARTIAL
