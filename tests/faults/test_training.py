"""Training under Ray: two runs side by side in one Ray instance, a worker killed, errors that reach the user."""

import importlib.util
import json
import os
import signal
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.trainer.config import Train
from tests.faults.processes import descendants

pytestmark = pytest.mark.slow
SETTINGS: dict[str, Any] = {
    "steps": 60,
    "max_tokens": 512,
    "packs": 4,
    "learning_rate": 0.003,
    "checkpoint_steps": 5,
    "log_steps": 1,
    "cpus": 0.5,
    "deepspeed": "zero2",
}


@pytest.fixture(scope="module")
def fixtures() -> ModuleType:
    """The helpers of tests/trainer/conftest.py."""
    path = Path(__file__).parents[1] / "trainer" / "conftest.py"
    spec = importlib.util.spec_from_file_location("trainer_fixtures", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def student(fixtures: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Student:
    return Student(model=fixtures.write_student(tmp_path_factory.mktemp("student")))


def train_workers() -> set[int]:
    """Process ids of Ray Train's ranks under this process."""
    return {process.pid for process in descendants(os.getpid(), "TrainWorker")}


def steps(out: Path) -> int:
    log = out / "log.jsonl"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_killed_worker_is_replaced_and_changes_nothing(
    fixtures: ModuleType, student: Student, local_ray: None, tmp_path: Path
) -> None:
    """Two runs at once, kill -9 for the rank of one of them: both end with the same losses, to the last digit."""
    from polydistill.trainer.run.launch import train

    mixture = fixtures.write_mixture(tmp_path / "mixture", fixtures.rows(140))
    results: dict[str, str] = {}

    def start(name: str) -> None:
        results[name] = train(mixture, student, Train(**SETTINGS), str(tmp_path / name), progress=False).path

    threads = [threading.Thread(target=start, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 240
    while min(steps(tmp_path / "one"), steps(tmp_path / "two")) < 8 and time.monotonic() < until:
        assert any(thread.is_alive() for thread in threads)
        time.sleep(0.02)
    before = train_workers()
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    seen = set(before)
    while any(thread.is_alive() for thread in threads):
        seen |= train_workers()
        time.sleep(0.2)
    assert len(before) == 2 and seen - before, "no rank took the killed one's place"
    curves = [
        [record["loss"] for record in json.loads((tmp_path / name / "training.json").read_text())["curve"]]
        for name in ("one", "two")
    ]
    assert len(curves[0]) == 60 and curves[0] == curves[1]
    assert results == {name: str(tmp_path / name / "model") for name in ("one", "two")}
    assert not (tmp_path / "one" / "ray").exists()
    # Asked again, a finished run answers at once, and refuses to become another one.
    started = train_workers()
    assert train(mixture, student, Train(**SETTINGS), str(tmp_path / "one")).path == results["one"]
    assert train_workers() == started
    with pytest.raises(UserError, match=r"train\.seed: was 0, now 1"):
        train(mixture, student, Train(**{**SETTINGS, "seed": 1}), str(tmp_path / "one"))


def test_errors_reach_the_user(fixtures: ModuleType, student: Student, local_ray: None, tmp_path: Path) -> None:
    """An error that every rank meets is raised here as it is, and Ray does not try again."""
    from polydistill.trainer.run.launch import train

    rows = fixtures.rows(70)
    index = rows.schema.get_field_index("response")
    empty = [
        "" if subset == "mt" else text for subset, text in zip(rows["subset"].to_pylist(), rows["response"].to_pylist())
    ]
    mixture = fixtures.write_mixture(tmp_path / "mixture", rows.set_column(index, "response", [empty]))
    with pytest.raises(UserError, match="no sample is left of subset mt"):
        train(mixture, student, Train(**SETTINGS), str(tmp_path / "out"), progress=False)
