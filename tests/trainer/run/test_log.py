"""Figures reach log.jsonl and every logger, and a run that goes on after a crash is one run there."""

import importlib.util
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.run.log import Log


def record(step: int) -> dict[str, Any]:
    return {"step": step, "of": 4, "loss": 1.0 / step, "loss/LL": 2.0 / step, "mfu": None}


def crash(folder: Path, loggers: list[str]) -> None:
    """Three steps, of which a checkpoint holds two."""
    log = Log(Folder.of(folder), loggers, {"packs": 4}, 0)
    log.write([record(1), record(2)])
    log.write([record(3)])
    os._exit(9)


def broken_run(folder: Path, loggers: list[str]) -> None:
    """A run that crashes in a process of its own, and the same run to its end."""
    child = multiprocessing.get_context("spawn").Process(target=crash, args=(folder, loggers))
    child.start()
    child.join()
    assert child.exitcode == 9
    time.sleep(1.1)  # the loggers' files have the second in their names
    log = Log(Folder.of(folder), loggers, {"packs": 4}, 2)
    assert [r["step"] for r in log.curve] == [1, 2]
    log.write([record(3), record(4)])
    log.close()
    assert log.curve == [record(step) for step in (1, 2, 3, 4)]


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed")


def test_log_file_and_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    broken_run(tmp_path, ["tensorboard"])
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines == [record(step) for step in (1, 2, 3, 4)]
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    # What the crash took with it of the first two steps, TensorBoard writes within 30 s otherwise.
    found = {event.step: event.value for event in events.Scalars("train/loss/LL")}
    assert {3, 4} <= set(found) and found == {step: pytest.approx(2.0 / step) for step in found}
    assert "train/mfu" not in events.Tags()["scalars"]


@needs("mlflow")
def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real library, with a folder in place of a server."""
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    broken_run(tmp_path / "run", ["mlflow"])
    client = mlflow.MlflowClient((tmp_path / "mlruns").as_uri())
    (run,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert run.info.run_name == "run" and run.info.status == "FINISHED" and run.data.params == {"packs": "4"}
    values = {m.step: m.value for m in client.get_metric_history(run.info.run_id, "loss.LL")}
    assert values == {step: 2.0 / step for step in (1, 2, 3, 4)}


@needs("wandb")
def test_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real library, offline: both parts are files of one run."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    broken_run(tmp_path / "run", ["wandb"])
    parts = sorted(tmp_path.glob("run/wandb/offline-run-*"))
    run = (tmp_path / "run" / "wandb-run.txt").read_text()
    assert len(parts) == 2 and all(part.name.endswith(f"-{run}") for part in parts)
    written = (parts[1] / f"run-{run}.wandb").read_bytes()
    assert all(json.dumps(2.0 / step).encode() in written for step in (3, 4)) and b"loss/LL" in written


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_logger_that_is_not_there(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=f"{name} is not installed"):
        Log(Folder.of(tmp_path), [name], {}, 0)
