"""Engines on a cluster: how many fit, how work is dealt out, and the same numbers as in one process."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from polydistill.engine.config import Student
from polydistill.eval.asking import engines
from polydistill.eval.asking.engines import Engines, fitting, split
from polydistill.eval.asking.units import Job
from polydistill.eval.config import Task
from polydistill.eval.data.sets import Set
from polydistill.eval.question import Question
from polydistill.eval.scores import Scores

STUDENT = Student(model="unused", prompt="raw")
GIB = 1 << 30


def on(monkeypatch: pytest.MonkeyPatch, *nodes: dict[str, float]) -> None:
    """A Ray cluster of these nodes."""
    listed = [{"Alive": True, "Resources": node} for node in nodes]
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: True, nodes=lambda: listed))


def test_without_a_cluster_one_engine_runs_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_on_ray", lambda: False)
    assert fitting(STUDENT, []).here


def test_every_gpu_gets_an_engine_and_the_driver_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, {"CPU": 4, "memory": 8 * GIB}, {"CPU": 16, "GPU": 4}, {"CPU": 16, "GPU": 4})
    assert fitting(STUDENT, []) == Engines(8, gpus=1)
    wide = STUDENT.model_copy(update={"engine": {"tensor_parallel_size": 2}})
    assert fitting(wide, []) == Engines(4, gpus=2)
    # An engine's GPUs lie on one node.
    on(monkeypatch, {"CPU": 16, "GPU": 3}, {"CPU": 16, "GPU": 3})
    assert fitting(wide, []).count == 2 and not fitting(wide, []).here


def test_without_gpus_cores_and_memory_decide(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    on(monkeypatch, {"CPU": 32, "memory": 64 * GIB}, {"CPU": 32, "memory": 64 * GIB})
    assert fitting(STUDENT, []).count == 8
    on(monkeypatch, {"CPU": 32, "memory": 8 * GIB})
    assert fitting(STUDENT, []).count == 2
    on(monkeypatch, {"CPU": 2, "memory": 8 * GIB})
    assert fitting(STUDENT, []).here
    with open(tmp_path / "model.safetensors", "wb") as file:
        file.truncate(5 * GIB)
    on(monkeypatch, {"CPU": 32, "memory": 16 * GIB})
    assert fitting(STUDENT, [str(tmp_path)]).count == 2


def job(model: str, *sizes: int) -> Job:
    task = Task(task="mkqa")
    units = [
        (Set(f"set{i}", "deu_Latn", task, [Question(str(k), "deu_Latn", "?") for k in range(size)], []), "mark")
        for i, size in enumerate(sizes)
    ]
    return Job(model, model, tuple(units))


def test_few_models_are_dealt_out_to_many_engines() -> None:
    parts = split([job("a", 100, 10, 60, 50)], 2)
    assert sorted(part.questions for part in parts) == [110, 110]
    units = [entry.name for part in parts for entry, _ in part.units]
    assert sorted(units) == ["set0", "set1", "set2", "set3"]
    assert len(split([job("a", 5)], 8)) == 1 and split([], 3) == []


def test_many_models_are_one_job_each_the_largest_first() -> None:
    parts = split([job("a", 1), job("b", 9), job("c", 5)], 2)
    assert [part.model for part in parts] == ["b", "c", "a"]


CLUSTER = """
import sys
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

from polydistill.eval.run import evaluate
from tests.eval.stand_in import STUDENT, StandIn, config

world, out, pause = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
resources = {"num_cpus": 2, "object_store_memory": 100 << 20, "include_dashboard": False}
cluster = Cluster(initialize_head=True, head_node_args=resources | {"num_gpus": 0})
for _ in range(2):
    cluster.add_node(num_cpus=2, num_gpus=1, object_store_memory=100 << 20)
ray.init(cluster.address, log_to_driver=False)


class Slow(StandIn):
    def __call__(self, asked):
        import time

        time.sleep(pause)
        assert ray.get_gpu_ids(), "an engine without its GPU"
        node = ray.get_runtime_context().get_node_id()
        Path(out).mkdir(exist_ok=True)
        (Path(out) / f"node-{node}").touch()
        return super().__call__(asked)


names = ["gold", "half", "third", "most", "none"]
models = {name: str(world / "models" / name) for name in names} | {"again": str(world / "models" / "half")}
evaluate(models, config(world), STUDENT, out, Slow, part=5)
"""


@pytest.mark.slow
def test_two_nodes_give_the_numbers_of_one_process_also_after_a_kill(world: Path, tmp_path: Path) -> None:
    """Six models in three languages on two nodes with a (pretended) GPU each; the driver has none."""
    from polydistill.eval.run import evaluate
    from tests.eval.stand_in import StandIn, config

    names = ["gold", "half", "third", "most", "none"]
    models = {name: str(world / "models" / name) for name in names} | {"again": str(world / "models" / "half")}
    whole = evaluate(models, config(world), STUDENT, str(tmp_path / "one"), StandIn, part=5).record

    def start(pause: float) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", CLUSTER, str(world), str(tmp_path / "two"), str(pause)]
        return subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)

    killed = start(0.4)
    kept: list[Any] = []
    while len(kept) < 6 and killed.poll() is None:
        kept = list((tmp_path / "two" / "answers").rglob("*.json"))
    assert killed.poll() is None, (killed.communicate()[1] or b"").decode()[-3000:]
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert len(kept) >= 6 and not (tmp_path / "two" / "metrics.json").exists()
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "two" / "answers").rglob("???_????.json")}
    again = start(0)
    _, errors = again.communicate(timeout=120)
    assert again.returncode == 0, errors.decode()[-2000:]
    scores = Scores.open(str(tmp_path / "two"))
    assert scores.record == whole and scores.verify() == []
    assert done and all(path.stat().st_mtime_ns == time for path, time in done.items())  # not asked again
    assert len(list((tmp_path / "two").glob("node-*"))) == 4  # both nodes of both clusters answered
