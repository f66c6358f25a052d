"""Runs checks one after the other, each in a process of its own that ends in time.

A check may crash its process, hang, or leave a broken CUDA context behind: the next one does not notice.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.gpu.check import Check, Outcome, SkippedError
from polydistill.engine.errors import DamagedError
from polydistill.engine.stopping import stoppable
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.shards import Folder

ANSWER = "outcome.json"
SLOWER = 8
"""How much longer a check may take on a machine without a GPU."""


def run(checks: Sequence[Check], gpus: int, show: Callable[[Outcome], None]) -> list[Outcome]:
    """Run `checks` on a machine with `gpus` GPUs; each outcome is handed to `show` when it is there.

    SIGTERM and Ctrl-C end the running check as well.
    """
    outcomes = []
    with stoppable():
        for check in checks:
            outcomes.append(_one(check, gpus))
            show(outcomes[-1])
    return outcomes


def _one(check: Check, gpus: int) -> Outcome:
    if gpus < check.gpus:
        wanted = "a GPU" if check.gpus == 1 else f"{check.gpus} GPUs"
        return Outcome(check.name, "SKIP", reason=f"needs {wanted}; this machine has {gpus or 'none'}")
    limit = check.seconds * (1 if gpus else SLOWER)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"polydistill-{check.name}-", ignore_cleanup_errors=True) as folder:
        outcome = _in_process(check, Path(folder), limit)
    return replace(outcome, seconds=round(time.monotonic() - start, 1))


def _in_process(check: Check, folder: Path, limit: float) -> Outcome:
    command = [sys.executable, "-m", "benchmarks.gpu.runner", check.name, check.function, str(folder)]
    output = folder / "output.log"
    paths = [os.getcwd(), *sys.path]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    with output.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=variables)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            _end(process)
            return Outcome(check.name, "FAIL", reason=f"no end within {limit:g} s; last output: {_last_line(output)}")
        except BaseException:
            _end(process)
            raise
    try:
        return read_record(Folder.of(folder), ANSWER, Outcome)
    except DamagedError:
        return Outcome(check.name, "FAIL", reason=f"its process ended with code {code}: {_last_line(output)}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process with all that it has started: Ray's processes and vLLM's engines."""
    import psutil

    everyone = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for one in everyone:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()
    psutil.wait_procs(everyone, timeout=30)


def _last_line(output: Path) -> str:
    lines = [line.strip() for line in output.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "none"


def measure(check: Check, folder: Path) -> Outcome:
    """Run the check in this process."""
    work = folder / "work"
    work.mkdir()
    try:
        return Outcome.of(check.name, check.load()(work))
    except SkippedError as reason:
        return Outcome(check.name, "SKIP", reason=str(reason))
    except Exception as error:
        import traceback

        traceback.print_exc()
        text = next((line for line in str(error).splitlines() if line.strip()), "")
        return Outcome(check.name, "FAIL", reason=f"{type(error).__name__}: {text[:300]}")


def main(name: str, function: str, folder: str) -> None:
    """The check's own process. It leaves without waiting for the libraries' threads, which may hang."""
    from polydistill.engine import environment

    environment.prepare()
    outcome = measure(Check(name, "", function, 0), Path(folder))
    write_record(Folder.of(folder), ANSWER, outcome)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
