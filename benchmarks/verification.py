"""What it costs to compare every file with its digest: less than 3% of a mixing and of a resumed start.

Each measurement is a pair: the same work with the comparison, and with the comparison patched away here. The mixing is
that of `benchmarks.mixing` in one process, by its processor time. The resumed start is that of `benchmarks.resume`: a
pool that is 99% complete, from the start of Ray to the first translated row. It is read whole, by eight threads.
"""

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks import mixing, scale
from benchmarks.common import ratio
from benchmarks.standins import Standins
from polydistill.engine.config import Dictionaries, Parallel, Synthesis, validate
from polydistill.engine.mixing.job import Sections
from polydistill.engine.mixing.mix import mix
from polydistill.engine.mixing.recipe import load_recipe
from polydistill.engine.storage import shards
from polydistill.engine.storage.shards import Folder

GOAL = 1.03


def run(prompts: int = 28_203, pairs: int = 5) -> list[dict[str, Any]]:
    """Two rows: the time of a mixing and of a resumed start, versus the same without comparison."""
    with tempfile.TemporaryDirectory(prefix="polydistill-verification-") as folder:
        place = Path(folder)
        rows = mixing._alpaca(prompts // 5)
        mixing._dictionaries(place, rows)
        mixing._pool(place / "pool", rows)
        mixed = _pairs(lambda: _mix(place), pairs)
        started = _pairs(_resumed(place, prompts), pairs)
        size = sum(path.stat().st_size for path in place.glob("run/pool/*/*.arrow")) / 2**20
    against = "the same with the comparison patched away"
    settings: dict[str, Any] = {"languages": len(mixing.LANGUAGES), "packages": ("pyarrow", "ray")}
    return [
        ratio("verification, mixing", *mixed, against=against, goal=GOAL, unit="s of processor time", at_most=True,
              prompts=prompts // 5, recipe="sdrrl", **settings),
        ratio("verification, a resumed start", *started, against=against, goal=GOAL, unit="s", at_most=True,
              prompts=prompts, pool_mib=round(size), **settings),
    ]  # fmt: skip


def _pairs(work: Callable[[], float], pairs: int) -> tuple[list[float], list[float]]:
    """Seconds with and without comparison, measured by turns (A B, B A, ...), after one call that is not counted."""
    work()
    seconds: tuple[list[float], list[float]] = ([], [])
    for pair in range(pairs):
        for off in (False, True) if pair % 2 == 0 else (True, False):
            shards._verified.clear()
            with _unverified() if off else contextlib.nullcontext():
                seconds[off].append(work())
    return seconds


@contextlib.contextmanager
def _unverified() -> Iterator[None]:
    with mock.patch.object(shards, "check_shard", return_value=None):
        yield


def _mix(place: Path) -> float:
    shutil.rmtree(place / "mixture", ignore_errors=True)
    before = sum(os.times()[:2])
    sections = Sections(
        dictionaries=Dictionaries(path=str(place / "dictionaries")),
        parallel=Parallel(path=str(place / "parallel"), rows=None),
    )
    mix(str(place / "pool"), load_recipe("sdrrl"), Folder.of(place / "mixture"), sections=sections, processes=1)
    return sum(os.times()[:2]) - before


def _resumed(place: Path, prompts: int) -> Callable[[], float]:
    """A pool of stand-ins; the call removes one unit in a hundred and starts the run again."""
    from polydistill.engine.cluster import cluster
    from polydistill.engine.synthesis.pipeline import synthesize

    values = {
        "output": str(place / "run"),
        "targets": scale.TARGETS,
        "prompts": {"path": str(scale.prompts(place)), "limit": prompts},
        "translate": {"model": "stand-in"},
        "work": {"unit_rows": 256},
    }
    config, log = validate(Synthesis, values, "benchmark"), place / "calls.log"
    with cluster():
        synthesize(config, Standins())

    def work() -> float:
        for record in sorted((place / "run/units").glob("*/*.json"))[::100]:
            record.unlink()
        log.unlink(missing_ok=True)
        before = time.time()
        with cluster():
            synthesize(config, Standins(log=str(log)))
        return float(log.read_text(encoding="utf-8").split()[3]) - before

    return work


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
