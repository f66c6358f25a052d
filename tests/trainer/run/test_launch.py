"""What is said before Ray starts anything, and after it gave up."""

from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.storage.run_folder import exclusive
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.config import Train
from polydistill.trainer.run.launch import _check_room, _clean, _lost, _variables


@pytest.mark.parametrize(
    ("train", "gpus", "message"),
    [
        (Train(workers=8), 1.0, r"need 8 GPUs, and there are 4: lower train\.workers or train\.gpus"),
        (Train(gpus=1), 1.0, None),
        (Train(workers=3), 0.0, r"train\.cpus=1 need 3 CPUs, and there are 2"),
        (Train(workers=4, cpus=0.5), 0.0, None),
    ],
)
def test_workers_that_can_never_start_are_refused(train: Train, gpus: float, message: str | None) -> None:
    cluster = {"GPU": 4.0, "CPU": 2.0}
    if message is None:
        _check_room(train, gpus, cluster)
        return
    with pytest.raises(UserError, match=message):
        _check_room(train, gpus, cluster)


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
