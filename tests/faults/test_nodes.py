"""Several Ray nodes on one machine: the same pool as on one, also when a node dies in the middle."""

import time

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def nodes():
    """A cluster of one head and three more nodes with two CPUs each, and the head's address."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    others = [cluster.add_node(num_cpus=2) for _ in range(3)]
    yield cluster, others
    cluster.shutdown()


def test_a_lost_node_changes_nothing(new_run, nodes):
    cluster, others = nodes
    quiet = new_run("quiet", prompts=160)
    quiet.finish()
    run = new_run("cluster", prompts=160, delay=0.1, work={"translate": {"actors": 3}, "judge": {"actors": 2}})
    process = run.start(cluster.address)
    end = time.monotonic() + 120
    while run.committed() < 8:
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    cluster.remove_node(others[0], allow_graceful=False)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err[-3000:]
    assert run.shards() == quiet.shards()
