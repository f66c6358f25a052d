"""SIGKILL of vLLM's engine process: its actor is replaced, committed answers stay, no row is lost."""

import time

import pytest

from tests.faults.processes import engine_cores, kill

pytestmark = pytest.mark.slow


def test_a_killed_vllm_engine_is_replaced(new_run, tiny):
    run = new_run(prompts=240, unit_rows=8)
    engine = {"max_model_len": 128, "max_num_seqs": 2, "enforce_eager": True, "dtype": "float32"}
    student = {"model": str(tiny.resolve() / "models/student"), "prompt": "raw", "max_tokens": 48, "engine": engine}
    run.config["student"] = student
    process = run.start()
    answered = run.output / "generated"
    end = time.monotonic() + 240
    while len(list(answered.glob("*.arrow"))) < 2:
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    engines = engine_cores(process.pid)
    assert engines, "no engine process found"
    before = {path.name: path.stat().st_mtime_ns for path in answered.glob("*.arrow")}
    kill(engines)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-3000:]
    assert {name: (answered / name).stat().st_mtime_ns for name in before} == before
    for rows in run.rows().values():
        assert len({row["id"] for row in rows}) == len(rows) == 240
        assert all(row["self"] for row in rows)
