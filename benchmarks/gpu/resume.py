"""A training whose rank is killed in the middle."""

import threading
from pathlib import Path

import psutil
import torch

from benchmarks.gpu.check import Figure
from benchmarks.gpu.training import COMMON, curves

STEPS, AT = 40, 12


def resume(folder: Path) -> list[Figure]:
    """kill -9 of the rank after twelve steps: the curve is whole, and that of an unbroken training.

    On a CPU the two are equal. GPU kernels add up in another order each time, so there they are only near.
    """
    gpu = torch.cuda.is_available()
    settings = {**COMMON, "steps": STEPS, "checkpoint_steps": 5, "log_steps": 1}
    settings |= {"precision": "bf16" if gpu else "fp32"}
    killed = threading.Event()
    log = folder / "out/broken/log.jsonl"
    threading.Thread(target=_kill_rank, args=(log, killed), daemon=True).start()
    broken = curves(folder, {"broken": {}}, settings)["broken"]
    whole = curves(folder, {"whole": {}}, settings)["whole"]
    apart = max(abs(a - b) for a, b in zip(broken, whole))
    return [
        Figure("ranks killed", float(killed.is_set()), at_least=1),
        Figure("steps", len(broken), at_least=STEPS, at_most=STEPS),
        Figure("largest difference", apart, "nats", at_most=0.05 if gpu else 1e-6),
    ]


def _kill_rank(log: Path, killed: threading.Event) -> None:
    """Kill the training worker among this process's descendants once the log has twelve lines."""
    while not (log.exists() and len(log.read_text(encoding="utf-8").splitlines()) >= AT):
        if killed.wait(0.1):
            return
    for process in psutil.Process().children(recursive=True):
        try:
            if "RayTrainWorker" in " ".join(process.cmdline()):
                process.kill()
                killed.set()
        except psutil.NoSuchProcess:
            continue
