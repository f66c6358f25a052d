"""A runtime of this process's own: nobody else's machine may talk to it, and SIGTERM ends a run in order."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.stopping import Stopped

LISTENERS = """
import psutil
from polydistill.engine.cluster import cluster
import ray

with cluster():
    @ray.remote
    def work():
        return 1

    assert ray.get(work.remote()) == 1
    found = []
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            connections = process.net_connections(kind="tcp")
        except psutil.Error:
            continue
        found += [c.laddr.ip.removeprefix("::ffff:") for c in connections if c.status == psutil.CONN_LISTEN]
print("listening", len(found), *sorted(set(found)))
"""


@pytest.mark.slow
def test_a_local_runtime_listens_on_loopback_only(tmp_path):
    variables = os.environ | {"HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", LISTENERS], capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stderr[-2000:]
    _, count, *addresses = next(line for line in done.stdout.splitlines() if line.startswith("listening")).split()
    assert int(count) > 3 and addresses == ["127.0.0.1"]
    token = Path(tmp_path, ".ray", "auth_token")
    assert not token.exists() or stat.S_IMODE(token.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            RuntimeError("Failed to connect to GCS. ...\nInvalidAuthToken: token is missing"),
            "asks for a token. Set RAY_AUTH",
        ),
        (
            ConnectionError("Could not find any running Ray instance."),
            "no Ray cluster answers at h:1 .Could not find any",
        ),
    ],
)
def test_a_cluster_that_does_not_answer(monkeypatch, error, message):
    import ray

    from polydistill.engine import cluster

    def init(**_):
        raise error

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(cluster, "knock", lambda address: None)
    with pytest.raises(UserError, match=message), cluster.cluster("h:1"):
        pass
    with pytest.raises(type(error)), cluster.cluster():  # an instance of our own: not the user's mistake
        pass


def test_a_busy_machine_is_no_defect(monkeypatch):
    import ray

    from polydistill.engine import cluster

    def init(**_):
        raise Exception("The current node timed out during startup. This could happen because ...")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    with (
        pytest.raises(UserError, match=r"not started .* within 30 seconds\. \d+ processes want its \d+ cores"),
        cluster.cluster(),
    ):
        pass


def test_sigterm_stops_in_order_although_ray_has_a_handler_of_its_own(monkeypatch):
    import ray
    from ray._private.utils import set_sigterm_handler

    from polydistill.engine import cluster

    closed = []
    monkeypatch.setattr(cluster, "_refuse_open", lambda address: None)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda **_: set_sigterm_handler(lambda *_: sys.exit(signal.SIGTERM)))
    monkeypatch.setattr(ray, "shutdown", lambda: closed.append(True))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped, match="Run the same command again"), cluster.cluster("auto"):
        os.kill(os.getpid(), signal.SIGTERM)
    assert closed == [True] and signal.getsignal(signal.SIGTERM) is before


JOINED = """
import os, sys

from ray.cluster_utils import Cluster

from polydistill.engine.cluster import answers_without_token, cluster
from polydistill.engine.errors import UserError

nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
if sys.argv[1] == "unknown":
    del os.environ["RAY_AUTH_MODE"]
try:
    print("open", answers_without_token(nodes.address))
    with cluster(nodes.address):
        print("joined")
except UserError as error:
    print(error)
finally:
    nodes.shutdown()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "told", "said"),
    [("disabled", "unknown", "asks for no token"), ("disabled", "known", "joined"), ("token", "known", "joined")],
)
def test_a_cluster_without_a_token_is_refused_unless_that_is_known(tmp_path, mode, told, said):
    (tmp_path / ".ray").mkdir()
    if mode == "token":
        (tmp_path / ".ray" / "auth_token").write_text("0" * 32)
    variables = {**os.environ, "HOME": str(tmp_path), "RAY_AUTH_MODE": mode}
    command = [sys.executable, "-c", JOINED, told]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=120)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("open", "joined", "the Ray"))]
    assert lines[0] == f"open {mode == 'disabled'}", done.stderr[-2000:]
    assert said in lines[1]
