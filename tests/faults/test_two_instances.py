"""Two people on one machine: a Ray instance for each run, started by the command of docs/cluster.md."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
COMMAND = re.search(
    r"^ *CUDA_VISIBLE_DEVICES=1 (ray start --head (?:.*\\\n)*.*)$",
    (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)
CPUS = "import json, ray, sys; ray.init(sys.argv[1], log_to_driver=False); print(ray.cluster_resources()['CPU'])"


def free_ports(number: int) -> list[int]:
    """Ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def command(cpus: int) -> tuple[list[str], str]:
    """The documented command with free ports and a small store, and the address that it gives."""
    assert COMMAND
    words = shlex.split(COMMAND[1].replace("\\\n", " "))
    ports = iter(free_ports(5))
    changed = {"--num-cpus": cpus, "--num-gpus": 0, "--object-store-memory": 200_000_000}
    for number, word in enumerate(words):
        name, _, _ = word.partition("=")
        if name.endswith("port"):
            words[number] = f"{name}={next(ports)}"
        elif name in changed:
            words[number] = f"{name}={changed[name]}"
    port = next(word.partition("=")[2] for word in words if word.startswith("--port="))
    return words, f"127.0.0.1:{port}"


@pytest.fixture
def instances(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, int]]:
    """Two Ray instances with one and two CPUs, by address. Each goes with its process, `ray stop` would end both."""
    token = tmp_path / "token"
    token.write_text("0123456789abcdef" * 4)
    token.chmod(0o600)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    processes, addresses = [], {}
    for cpus in (1, 2):
        words, address = command(cpus)
        log = (tmp_path / f"ray{cpus}.log").open("w")
        words = [str(Path(sys.executable).with_name("ray")), *words[1:], "--block"]
        processes.append(subprocess.Popen(words, stdout=log, stderr=log))
        addresses[address] = cpus
        until = time.monotonic() + 120
        while "--block" not in (tmp_path / f"ray{cpus}.log").read_text() and time.monotonic() < until:
            assert processes[-1].poll() is None, (tmp_path / f"ray{cpus}.log").read_text()
            time.sleep(0.2)
    yield addresses
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(60)


def test_each_run_sees_its_share_and_neither_meets_the_other(instances, new_run, quiet_run) -> None:
    runs = {address: new_run(f"run{cpus}") for address, cpus in instances.items()}
    drivers = {address: run.start(address) for address, run in runs.items()}
    for address, driver in drivers.items():
        out, err = driver.communicate(timeout=300)
        assert driver.returncode == 0, err[-3000:]
        assert json.loads(out.strip().splitlines()[-1])["rows"] == 480
        seen = subprocess.run([sys.executable, "-c", CPUS, address], capture_output=True, text=True, env=os.environ)
        assert float(seen.stdout) == instances[address], seen.stderr[-2000:]
    for run in runs.values():
        assert run.shards() == quiet_run.shards()
