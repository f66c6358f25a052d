"""The engine alone makes at least 5,000 pool rows/s on 2 cores, as fast at ten times the rows, in the same memory.

All rows of the Alpaca file (where POLYDISTILL_DATA names it; else as many rows of the small world's) into SDRRL's 14
languages, with stand-ins at the two model calls (`benchmarks.standins`) and everything else real: reading, Ray
Data, units, shards, records. Against a tenth of the rows, by turns in the same Ray instance. A rate is that between a
run's first and last commit, when its processes are up; the first run in the instance, during which Ray's own helpers
start, is not counted.
"""

import json
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks import common
from benchmarks.standins import Standins
from polydistill.engine.config import Synthesis, validate

TARGETS = ["ces", "dan", "ukr", "bul", "fin", "hun", "nob", "ind", "jpn", "kor", "por", "slv", "vie", "pol"]
ROWS = 28_203


def run() -> list[dict[str, Any]]:
    """Three rows: rate against the goal, rate and memory against a tenth of the rows."""
    from polydistill.engine.cluster import cluster

    small, large = [], []
    with tempfile.TemporaryDirectory() as folder, cluster():
        path = prompts(Path(folder))
        measure(path, ROWS // 10, f"{folder}/first")
        for pair in range(2):
            small.append(measure(path, ROWS // 10, f"{folder}/small{pair}"))
            large.append(measure(path, ROWS, f"{folder}/large{pair}"))
    settings: dict[str, Any] = {"rows": ROWS, "targets": len(TARGETS), "unit_rows": 256, "packages": ("ray", "pyarrow")}
    rates = [part["rate"] for part in large]
    return [
        common.value("the engine alone, models costing nothing", rates, goal=5000, unit="pool rows/s", **settings),
        common.ratio(
            "rate with 1x against 1/10 of the rows",
            rates,
            [part["rate"] for part in small],
            against="the same run with a tenth of the rows",
            goal=0.8,
            unit="pool rows/s",
            **settings,
        ),
        common.ratio(
            "peak memory of driver and workers with 1x against 1/10 of the rows",
            [part["memory"] for part in large],
            [part["memory"] for part in small],
            against="the same run with a tenth of the rows",
            goal=1.2,
            at_most=True,
            unit="MiB",
            driver_mib=[round(part["driver"]) for part in large],
            **settings,
        ),
    ]


def prompts(folder: Path) -> Path:
    """The real Alpaca file, or rows of the small world under new numbers."""
    real = Path(os.environ.get("POLYDISTILL_DATA", "")) / "alpaca" / "alpaca_28k.jsonl.gz"
    if real.is_file():
        return real
    from polydistill.tinyworld.build import build

    tiny = Path(build(os.environ.get("POLYDISTILL_TINYWORLD", ".cache/tinyworld")))
    rows = json.loads((tiny / "instructions.json").read_text(encoding="utf-8"))
    path = folder / "prompts.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(ROWS):
            row = rows[number % len(rows)]
            file.write(json.dumps(row | {"instruction": f"{number}. {row['instruction']}"}) + "\n")
    return path


def measure(path: Path, rows: int, output: str, unit_rows: int = 256) -> dict[str, float]:
    """Pool rows/s from the first committed unit on, and peak resident memory (MiB) of this process and its children."""
    from polydistill.engine.synthesis.pipeline import synthesize

    config = validate(
        Synthesis,
        {
            "output": output,
            "targets": TARGETS,
            "prompts": {"path": str(path), "limit": rows},
            "translate": {"model": "stand-in"},
            "work": {"unit_rows": unit_rows},
        },
        "benchmark",
    )
    peak = {"memory": 0.0, "driver": 0.0}
    stop = threading.Event()
    watcher = threading.Thread(target=_memory, args=(peak, stop), daemon=True)
    watcher.start()
    curve = synthesize(config, Standins()).curve
    stop.set()
    watcher.join()
    return {"rate": (curve[-1][1] - curve[0][1]) / (curve[-1][0] - curve[0][0]), **peak}


def _memory(peak: dict[str, float], stop: threading.Event) -> None:
    driver = psutil.Process()
    while not stop.is_set():
        total = 0
        for process in (driver, *driver.children(recursive=True)):
            try:
                # Shared pages (the object store) would count in every process that maps them.
                memory = process.memory_info()
                total += memory.rss - memory.shared
            except psutil.NoSuchProcess:
                continue
        own = driver.memory_info()
        peak["memory"] = max(peak["memory"], total / 2**20)
        peak["driver"] = max(peak["driver"], (own.rss - own.shared) / 2**20)
        time.sleep(0.25)


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
