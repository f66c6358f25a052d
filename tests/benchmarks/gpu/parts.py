"""Trivial checks for the runner's tests."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.gpu.check import Figure, SkippedError


def passes(folder: Path) -> list[Figure]:
    return [
        Figure("sum", 1.0 + 2.0, "units", at_most=3.0),
        Figure("files", float(len(list(folder.iterdir()))), at_most=0),
    ]


def misses(folder: Path) -> list[Figure]:
    return [Figure("difference", float("nan"), "nats", at_most=0.1)]


def raises(folder: Path) -> list[Figure]:
    raise ValueError("no such kernel\nsecond line")


def crashes(folder: Path) -> list[Figure]:
    print("about to crash", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def hangs(folder: Path) -> list[Figure]:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(os.environ["POLYDISTILL_TEST_NOTE"]).write_text(str(child.pid))
    print("asleep", flush=True)
    time.sleep(600)
    return []


def skips(folder: Path) -> list[Figure]:
    raise SkippedError("set A_VARIABLE")
