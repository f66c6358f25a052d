"""SIGKILL of whatever takes part in a run: nothing is lost, nothing doubled, the bytes are those of a quiet run."""

import random
import signal
import subprocess
import sys
import time

import pytest

from tests.faults.processes import descendants

pytestmark = pytest.mark.slow


def wait_for(condition, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_killed_drivers_lose_and_double_nothing(new_run, quiet_run):
    noisy = new_run("noisy", delay=0.05)
    chance = random.Random(0)
    for kill in range(3):
        process = noisy.start()
        goal = noisy.committed() + chance.randrange(4, 12)
        wait_for(lambda goal=goal: noisy.committed() >= goal)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert noisy.committed() < 60, f"the run ended before kill {kill}"
    noisy.finish()
    assert noisy.shards() == quiet_run.shards()
    for rows in noisy.rows().values():
        ids = [row["id"] for row in rows]
        assert len(ids) == len(set(ids)) == 240
    # 30 units; a kill costs those that wait for the judge or are in its hands, and none is far ahead of it.
    assert noisy.calls("translate") <= 30 + 3 * 5
    assert noisy.calls("judge") <= 30 + 3 * 2


def test_a_killed_translation_actor_is_replaced(new_run):
    run = new_run(delay=0.05)
    process = run.start()
    wait_for(lambda: run.committed() >= 6)
    (actor,) = descendants(process.pid, "TranslateActor")
    actor.send_signal(signal.SIGKILL)
    _, err = process.communicate(timeout=180)
    assert process.returncode == 0, err[-2000:]
    assert run.committed() == 60
    assert all(len({row["id"] for row in rows}) == 240 for rows in run.rows().values())


def test_ctrl_c_stops_cleanly_and_resumes(new_run):
    run = new_run(delay=0.05)
    process = run.start()
    wait_for(lambda: run.committed() >= 4)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err[-3000:]
    left = run.committed()
    assert 4 <= left < 60
    run.finish()
    assert run.committed() == 60


WHILE_MADE = """
import ray.data
from ray.data._internal.block_batching import iter_batches

from polydistill.engine.cluster import cluster
from polydistill.engine.synthesis import pipeline
from polydistill.engine.synthesis.summary import Tally


def interrupted():
    raise KeyboardInterrupt


def wait(batch):
    import time
    time.sleep(60)
    return batch


iter_batches.WaitBlockPrefetcher = interrupted  # a thread is started there, which takes long on a busy machine
try:
    with cluster():
        stream = ray.data.from_items([{"row": i} for i in range(4)], override_num_blocks=4)
        stream = stream.map_batches(lambda batch: batch if batch["row"][0] == 0 else wait(batch))
        try:
            pipeline._watch(stream, 0.1, Tally())
        finally:
            pipeline._stop(stream)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_while_the_stream_is_being_opened_ends_the_process(tmp_path):
    """Ray Data leaves its executor to the end of the process then, where it waits for a Ray that is gone."""
    done = subprocess.run([sys.executable, "-c", WHILE_MADE], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr[-3000:]


def test_a_killed_monitor_costs_figures_and_not_the_run(new_run, quiet_run):
    run = new_run(delay=0.05)
    process = run.start()
    wait_for(lambda: run.committed() >= 4)
    (monitor,) = descendants(process.pid, "::Monitor")
    monitor.send_signal(signal.SIGKILL)
    _, err = process.communicate(timeout=180)
    assert process.returncode == 0, err[-3000:]
    assert "Traceback" not in err
    assert run.shards() == quiet_run.shards()
