"""Each check in a process of its own: what it gives, and what becomes of one that fails, crashes, hangs or skips."""

import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.gpu import runner
from benchmarks.gpu.check import Check, Figure, SkippedError
from polydistill.engine.stopping import Stopped

PARTS = "tests.benchmarks.gpu.parts"


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def run(monkeypatch):
    def one(function: str, seconds: int = 60, gpus: int = 0, here: int = 0):
        shown = []
        (outcome,) = runner.run([Check(function, "", f"{PARTS}:{function}", seconds, gpus)], here, shown.append)
        assert shown == [outcome]
        return outcome

    monkeypatch.setattr(runner, "SLOWER", 1)
    return one


def test_figures_come_back(run):
    outcome = run("passes")
    assert outcome.verdict == "PASS" and outcome.seconds > 0
    assert outcome.figures == (Figure("sum", 3.0, "units", at_most=3.0), Figure("files", 0.0, at_most=0))


def test_a_missed_limit_fails(run):
    outcome = run("misses")
    assert (outcome.verdict, outcome.reason) == ("FAIL", "difference nan nats (≤ 0.1)")


def test_an_error_fails_with_its_message(run):
    assert run("raises").reason == "ValueError: no such kernel"
    missing = run("nothing_of_this_name")
    assert missing.verdict == "FAIL" and "nothing_of_this_name" in missing.reason


def test_a_crash_fails_with_the_last_output(run):
    outcome = run("crashes")
    assert outcome.verdict == "FAIL" and outcome.reason == "its process ended with code -9: about to crash"


def test_a_check_that_hangs_is_ended_with_its_children(run, tmp_path, monkeypatch):
    note = tmp_path / "child"
    monkeypatch.setenv("POLYDISTILL_TEST_NOTE", str(note))
    start = time.monotonic()
    outcome = run("hangs", seconds=8)
    assert outcome.verdict == "FAIL" and outcome.reason.startswith("no end within 8 s; last output: asleep")
    assert time.monotonic() - start < 40
    assert not alive(int(note.read_text()))


def test_sigterm_ends_the_running_check_as_well(run, tmp_path, monkeypatch):
    note = tmp_path / "child"
    monkeypatch.setenv("POLYDISTILL_TEST_NOTE", str(note))

    def stop():
        while not (note.exists() and note.read_text()):
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(Stopped):
        run("hangs")
    assert not alive(int(note.read_text()))


def test_a_skip_says_why(run):
    assert run("skips").verdict == "SKIP" and run("skips").reason == "set A_VARIABLE"


def test_gpus_that_are_not_there_skip_without_a_process(run):
    assert run("raises", gpus=1).reason == "needs a GPU; this machine has none"
    assert run("raises", gpus=2, here=1).reason == "needs 2 GPUs; this machine has 1"


def test_without_a_gpu_a_check_may_take_longer(monkeypatch):
    limits = []
    monkeypatch.setattr(runner, "_in_process", lambda check, folder, limit: limits.append(limit) or outcome)
    outcome = runner.Outcome("x", "PASS")
    for gpus in (0, 1):
        runner.run([Check("x", "", "math:sqrt", 10)], gpus, lambda outcome: None)
    assert limits == [10 * runner.SLOWER, 10]


def test_measuring_here_gives_an_empty_folder(tmp_path: Path):
    outcome = runner.measure(Check("x", "", f"{PARTS}:passes", 1), tmp_path)
    assert outcome.verdict == "PASS"
    with pytest.raises(SkippedError):
        Check("x", "", f"{PARTS}:skips", 1).load()(tmp_path)


@pytest.mark.slow
def test_a_real_check_runs_here(run):
    """The loss of training, on the CPU."""
    shown = []
    (loss,) = runner.run([Check("loss", "", "benchmarks.gpu.kernels:loss", 300)], 0, shown.append)
    assert loss.verdict == "PASS", loss.reason
    assert [figure.name for figure in loss.figures][:2] == ["float32 whole", "float32 pieces"]
