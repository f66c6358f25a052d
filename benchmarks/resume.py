"""A run that is killed again and again redoes under 5% of its work, and one that is 99% complete resumes within 5 s.

The driver is killed with SIGKILL at random moments; what it started ends with it. Stand-ins at the two model
calls (`benchmarks.standins`) leave a line for each call, which counts the work done. Against an unbroken run: the
same shards, byte for byte, and so no row lost or doubled. `polydistill bench` kills 8 times in 588 units, this module
run by itself 20 times in 2,351.
"""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.scale import prompts
from benchmarks.standins import Standins

PROMPTS = 28_203
_DRIVER = """
import json, sys
from benchmarks.standins import Standins
from polydistill.engine.config import Synthesis, validate
from polydistill.engine.cluster import cluster
from polydistill.engine.synthesis.pipeline import synthesize
with cluster():
    synthesize(validate(Synthesis, json.loads(sys.argv[1]), "benchmark"), Standins(log=sys.argv[2]))
"""


def run(kills: int = 8, unit_rows: int = 48) -> list[dict[str, Any]]:
    """Two rows: share of work redone, and seconds until a nearly complete run works again."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = {"prompts": {"path": str(prompts(folder)), "limit": PROMPTS}, "work": {"unit_rows": unit_rows}}
        quiet, noisy = folder / "quiet", folder / "noisy"
        _start(run, quiet).wait()
        needed = _calls(quiet)
        chance = random.Random(0)
        for kill in range(kills):
            process = _start(run, noisy)
            goal = needed * (kill + chance.random()) / (kills + 1)
            while _calls(noisy) < goal and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
        _start(run, noisy).wait()
        if _shards(noisy) != _shards(quiet):
            raise AssertionError("the killed run's shards differ from the unbroken run's")
        redone = (_calls(noisy) - needed) / needed
        seconds = [_resumes(run, noisy) for _ in range(2)]
    settings: dict[str, Any] = {
        "prompts": PROMPTS,
        "unit_rows": unit_rows,
        "kills": kills,
        "packages": ("ray", "pyarrow"),
    }
    return [
        common.value(
            f"work redone after {kills} kills", [redone], goal=0.05, at_most=True, unit="of all calls", **settings
        ),
        common.value("a 99% complete run works again", seconds, goal=5, at_most=True, unit="s", **settings),
    ]


def _configuration(run: dict[str, Any], folder: Path) -> dict[str, Any]:
    fixed = {"targets": ["deu_Latn", "jpn_Jpan"], "translate": {"model": "stand-in"}}
    return {"output": str(folder / "out"), **fixed, **run}


def _start(run: dict[str, Any], folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    arguments = [json.dumps(_configuration(run, folder)), str(folder / "calls.log")]
    return subprocess.Popen([sys.executable, "-c", _DRIVER, *arguments], stderr=subprocess.DEVNULL)


def _calls(folder: Path) -> int:
    log = folder / "calls.log"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def _shards(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.glob("out/pool/*/*.arrow")}


def _resumes(run: dict[str, Any], folder: Path) -> float:
    """Remove one unit in a hundred; seconds from the call (Ray is up) to the first translated row."""
    from polydistill.engine.cluster import cluster
    from polydistill.engine.config import Synthesis, validate
    from polydistill.engine.synthesis.pipeline import synthesize

    for record in sorted((folder / "out/units").glob("*/*.json"))[::100]:
        record.unlink()
    log = folder / "resume.log"
    log.unlink(missing_ok=True)
    with cluster():
        before = time.time()
        synthesize(validate(Synthesis, _configuration(run, folder), "benchmark"), Standins(log=str(log)))
    first = float(log.read_text(encoding="utf-8").split()[3])
    return first - before


if __name__ == "__main__":
    print(json.dumps(run(kills=20, unit_rows=12), indent=1))
