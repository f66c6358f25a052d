"""A hundred times the rows take a hundred times as long, and four nodes do in the same time four times as much.

Rows: 1x and 100x of 282 prompts into 14 languages, in units of one size, with stand-ins that cost nothing
(`benchmarks.scale`): what the engine spends on a row must not grow with their number. A rate is that between a run's
first and last commit; the short run is done before and after the long one.

Nodes: one and four simulated ones (Ray's `cluster_utils`) on this machine, each with as many actors and as many units
to do. The stand-ins wait, as a driver waits for its GPU, since the nodes have no more cores than one of them; what
grows with the nodes is the engine's share, and all of it is done by this one machine.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.plan import Waiting
from benchmarks.scale import ROWS, TARGETS, measure, prompts
from polydistill.engine.config import Synthesis, validate

NODES, UNITS, UNIT_ROWS = 4, 12, 32
"""Units are those of one node."""
WAIT: dict[str, Any] = {"translating": 0.03, "judging": 0.01}
"""Seconds for a row: a unit takes two seconds to translate and two thirds to judge, in two languages."""


def run() -> list[dict[str, Any]]:
    """Two rows: rate at 100 times the rows versus the rate at 1x, and four nodes versus one."""
    with tempfile.TemporaryDirectory() as folder:
        path = prompts(Path(folder))
        return [*_rows(path, folder), *_nodes(path, folder)]


def _rows(path: Path, folder: str) -> list[dict[str, Any]]:
    from polydistill.engine.cluster import cluster

    rate = lambda count, run: measure(path, count, f"{folder}/{run}", UNIT_ROWS)["rate"]  # noqa: E731
    with cluster():
        rate(ROWS // 100, "first")
        before, long, after = rate(ROWS // 100, "before"), rate(ROWS, "long"), rate(ROWS // 100, "after")
    return [
        common.ratio(
            "rate with 100x the rows",
            [long, long],
            [before, after],
            against=f"{ROWS // 100} prompts into {len(TARGETS)} languages",
            goal=0.9,
            unit="pool rows/s",
            packages=("ray", "pyarrow"),
            unit_rows=UNIT_ROWS,
        )
    ]


def _nodes(path: Path, folder: str) -> list[dict[str, Any]]:
    one, four = _rate(path, 1, f"{folder}/one"), _rate(path, NODES, f"{folder}/four")
    return [
        common.ratio(
            f"rate of {NODES} simulated nodes",
            [four],
            [NODES * one],
            against=f"{NODES} times that of one node",
            goal=0.9,
            unit="pool rows/s",
            packages=("ray",),
            units_of_a_node=UNITS,
            unit_rows=UNIT_ROWS,
            **WAIT,
        )
    ]


def _rate(path: Path, nodes: int, output: str) -> float:
    """Pool rows/s of a run on `nodes` nodes, from its first translation to its last commit."""
    import ray
    from ray.cluster_utils import Cluster

    from polydistill.engine import environment
    from polydistill.engine.cluster import cluster
    from polydistill.engine.synthesis import pipeline

    environment.prepare()
    os.environ["RAY_AUTH_MODE"] = "disabled"  # its nodes are on this machine
    config = validate(
        Synthesis,
        {
            "output": output,
            "targets": TARGETS[:2],
            "prompts": {"path": str(path), "limit": nodes * UNITS * UNIT_ROWS},
            "translate": {"model": "stand-in"},
            "work": {
                "unit_rows": UNIT_ROWS,
                "translate": {"actors": 2 * nodes, "cpus": 0.4},
                "judge": {"actors": nodes, "cpus": 0.4},
            },
        },
        "benchmark",
    )
    machines = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            machines.add_node(num_cpus=2)
        with cluster(machines.address):
            stages = pipeline.synthesize(config, Waiting(**WAIT)).stages
    finally:
        machines.shutdown()
    ray.shutdown()
    translate, judge = stages["translate"].figures, stages["judge"].figures
    return judge.rows / (judge.last - (translate.first or 0.0))


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
