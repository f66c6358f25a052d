"""What is said before Ray starts anything, and after it gave up."""

from pathlib import Path

import pytest

from polydistill.engine import cluster
from polydistill.engine.config import Student, validate
from polydistill.engine.errors import UserError
from polydistill.engine.models.identity import model_identity
from polydistill.engine.storage.run_folder import exclusive
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.artifact import Checkpoint
from polydistill.trainer.config import Train
from polydistill.trainer.run import launch
from polydistill.trainer.run.launch import _check_room, _clean, _lost, _variables, train


@pytest.mark.parametrize(
    ("settings", "gpus", "message"),
    [
        (Train(workers=8), 1.0, r"need 8 GPUs, and there are 4: lower train\.workers or train\.gpus"),
        (Train(gpus=1), 1.0, None),
        (Train(workers=3), 0.0, r"train\.cpus=1 need 3 CPUs, and there are 2"),
        (Train(workers=4, cpus=0.5), 0.0, None),
    ],
)
def test_workers_that_can_never_start_are_refused(settings: Train, gpus: float, message: str | None) -> None:
    cluster = {"GPU": 4.0, "CPU": 2.0}
    if message is None:
        _check_room(settings, gpus, cluster)
        return
    with pytest.raises(UserError, match=message):
        _check_room(settings, gpus, cluster)


@pytest.mark.parametrize(
    ("asked", "variable", "wanted"),
    [(None, "", None), (None, "h:1", "h:1"), ("auto", "h:1", "auto"), ("h:2", "", "h:2")],
)
def test_the_cluster_is_the_one_that_was_asked_for(
    asked: str | None, variable: str, wanted: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def started(address: str | None) -> None:
        raise UserError(f"cluster {address}")

    monkeypatch.setenv("RAY_ADDRESS", variable)
    monkeypatch.setattr(cluster, "cluster", started)
    monkeypatch.setattr(launch, "identity", lambda *_: None)
    monkeypatch.setattr(launch, "_finished", lambda *_: None)
    with pytest.raises(UserError, match=f"^cluster {wanted}$"):
        launch.train("mixture", Student(model="m"), Train(), str(tmp_path), address=asked)


def test_an_offloaded_optimizer_gets_the_cores() -> None:
    cluster = {"CPU": 64.0}
    assert _variables(Train(), 1.0, cluster)["OMP_NUM_THREADS"] == "1"
    assert _variables(Train(offload="optimizer", workers=8), 1.0, cluster)["OMP_NUM_THREADS"] == "8"
    assert _variables(Train(offload="optimizer", threads=3), 1.0, cluster)["OMP_NUM_THREADS"] == "3"
    assert "PYTORCH_ALLOC_CONF" in _variables(Train(), 1.0, cluster)
    assert _variables(Train(), 0.0, cluster)["DS_ACCELERATOR"] == "cpu"


def test_what_a_rank_noted_is_the_reason(tmp_path: Path) -> None:
    (tmp_path / "failure-abc.txt").write_text("no sample is left")
    (tmp_path / "ray" / "empty").mkdir(parents=True)
    error = RuntimeError("Training failed due to worker errors:\nActorDiedError: killed")
    assert _lost(str(tmp_path), "abc", Train(), error) == "no sample is left"
    _clean(str(tmp_path), "abc")
    assert not list(tmp_path.iterdir())
    message = _lost(str(tmp_path), "abc", Train(max_failures=2), error)
    assert "train.max_failures=2" in message and "ActorDiedError: killed. Run the same command again" in message


def test_one_training_at_a_time(tmp_path: Path) -> None:
    with (
        exclusive(Folder.of(tmp_path), "train.lock"),
        pytest.raises(UserError, match="another run is writing here"),
        exclusive(Folder.of(tmp_path), "train.lock"),
    ):
        pass


@pytest.mark.slow
def test_a_training_in_stages_goes_on_from_the_stage_before(
    local_ray: None, student: str, mixture: str, tmp_path: Path
) -> None:
    """x-LLM, Table 5: one training, then another one on its model. Called again, neither is repeated."""
    few = {"max_tokens": 512, "packs": 1, "cpus": 0.5, "deepspeed": "zero0", "checkpoint_minutes": None}
    before = [{"mixture": mixture, "train": {"steps": 1}}]
    settings = validate(Train, {**few, "steps": 2, "before": before}, "train")
    base = Student(model=student, prompt="raw")
    made = train(mixture, base, settings, str(tmp_path / "out"))
    first = Checkpoint.open(str(tmp_path / "out" / "before-0"))
    assert (first.record.steps, made.record.steps) == (1, 2)
    assert first.identity.model == model_identity(student) != made.identity.model == model_identity(first.path)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    assert len(written) == 2
    train(mixture, base, settings, str(tmp_path / "out"))
    assert written == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
