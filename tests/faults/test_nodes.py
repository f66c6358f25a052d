"""Several Ray nodes on one machine: the same pool as on one, also when a node dies in the middle, and where stages ask
for parts of GPUs; metrics over HTTP."""

import re
import time
import urllib.request

import psutil
import pytest

from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.summary import read_summary
from tests.faults.processes import command

pytestmark = pytest.mark.slow
# Small enough that every actor still finds room when a node of the smaller cluster is gone.
WORK = {"translate": {"actors": 2, "cpus": 0.4}, "judge": {"actors": 2, "cpus": 0.4}}


@pytest.fixture(autouse=True)
def _without_token(monkeypatch):
    """Simulated nodes ask for none, which a run accepts where it is told so."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")


@pytest.fixture(params=[2, 4])
def cluster(request):
    """A cluster of so many nodes with two CPUs each."""
    from ray.cluster_utils import Cluster

    quick = {"metrics_report_interval_ms": 500}
    head = {"num_cpus": 2, "include_dashboard": False, "_system_config": quick}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(request.param - 1):
        cluster.add_node(num_cpus=2)
    yield cluster
    cluster.shutdown()


def actors(node) -> list[str]:
    """Names of the processes on that node in which stages run."""
    (raylet,) = node.all_processes["raylet"]
    names = [command(child) for child in psutil.Process(raylet.process.pid).children()]
    return [name for name in names if "MapWorker" in name]


def metrics(cluster) -> str:
    """What Prometheus would read from the node of the driver."""
    address = f"http://127.0.0.1:{cluster.head_node.metrics_export_port}/metrics"
    return urllib.request.urlopen(address, timeout=30).read().decode()


def test_nodes_change_nothing_nor_does_the_loss_of_one(new_run, quiet_run, cluster):
    whole = new_run("whole", work=WORK)
    whole.finish(cluster.address)
    assert whole.shards() == quiet_run.shards()

    run = new_run("loss", delay=0.1, work=WORK)
    process = run.start(cluster.address)
    end = time.monotonic() + 120
    while run.committed() < 8 or not re.search(
        r'ray_polydistill_rows_total{.*stage="judge".*} [1-9]', metrics(cluster)
    ):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.1)
    busy = [node for node in cluster.worker_nodes if actors(node)]
    assert busy, "no stage runs on a node that may be lost"
    cluster.remove_node(busy[0], allow_graceful=False)
    assert run.committed() < 60, "the run ended before its node was lost"
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err[-3000:]
    assert run.shards() == quiet_run.shards()


def test_parts_of_gpus_change_nothing(new_run, quiet_run):
    """Nodes that tell Ray of a GPU each: pools are placed and fed as on such machines; the stand-ins need none."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 2, "num_gpus": 1}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    cluster.add_node(**node)
    try:
        run = new_run()
        run.finish(cluster.address)
    finally:
        cluster.shutdown()
    summary = read_summary(Folder.of(run.output))
    assert {name: (stage.actors, stage.gpus) for name, stage in summary.stages.items()} == {
        "translate": (4, 0.5), "judge": (1, 0.0)
    }  # fmt: skip
    assert run.shards() == quiet_run.shards()
