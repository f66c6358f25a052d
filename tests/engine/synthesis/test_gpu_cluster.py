"""Eight GPUs on two nodes, as Ray sees them: what is planned really runs, side by side, and the driver has none."""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from polydistill.engine.config import Work
from polydistill.engine.synthesis.placement import STAGES, Demands, Node, prompt_rates, size_pools

pytestmark = pytest.mark.slow
HEAD, NODES = {"num_cpus": 2, "num_gpus": 0}, [{"num_cpus": 16, "num_gpus": 4}] * 2


@dataclass(frozen=True)
class Call:
    """One call of a stand-in, as it noted it."""

    stage: str
    process: int
    node: str
    gpus: list[str]
    bundles: list[dict[str, float]]
    nodes: list[str]  # of the bundles
    start: float
    end: float


def calls(folder: Path) -> list[Call]:
    return [Call(**json.loads(line)) for line in (folder / "log.jsonl").read_text().splitlines()]


def of(stage: str, found: Iterable[Call]) -> dict[int, Call]:
    """A call of each of the stage's processes."""
    return {call.process: call for call in found if call.stage == stage}


def planned(work: dict[str, Any], width: int) -> dict[str, int]:
    nodes = [Node(node["num_cpus"], node["num_gpus"]) for node in (HEAD, *NODES)]
    pools = size_pools(Work.model_validate(work), nodes, STAGES, prompt_rates(1), Demands(engine_gpus=width)).pools
    return {name: pool.actors or 0 for name, pool in pools.items()}


def synthesis(folder: Path, tiny: Path, width: int, work: dict[str, Any]) -> dict[str, Any]:
    rows = [{"instruction": f"Count to {i}.", "input": "", "output": f"1 to {i}"} for i in range(64)]
    (folder / "prompts.json").write_text(json.dumps(rows))
    config = {
        "output": str(folder / f"run{width}"),
        "targets": ["deu_Latn"],
        "prompts": {"path": str(folder / "prompts.json")},
        "student": {
            "model": str(tiny / "models/student"),
            "engine": {"tensor_parallel_size": width, "max_num_seqs": 2},
        },
        "translate": {"model": "stand-in"},
        "judge": {"quality": {"model": "stand-in"}},
        "work": {"unit_rows": 2, **work},
    }
    meeting = {"folder": str(folder / f"calls{width}"), "planned": planned(work, width)}
    return {"synthesis": config, "meeting": meeting}


def evaluation(folder: Path) -> dict[str, Any]:
    """Four models, and a benchmark of eight questions in two languages."""
    models = {name: str(folder / name) for name in ("base", "a", "b", "c")}
    for path in models.values():
        Path(path).mkdir()
        Path(path, "config.json").write_text("{}")
    texts = ["link", "question", "flores_passage", *(f"mc_answer{k}" for k in range(1, 5))]
    rows = [dict.fromkeys(texts, "x") | {"question_number": i, "correct_answer_num": "1"} for i in range(8)]
    for language in ("eng_Latn", "deu_Latn"):
        path = folder / "data/belebele" / f"{language}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(map(json.dumps, rows)))
    settings = {"tasks": ["belebele"], "data": str(folder / "data"), "targets": ["deu_Latn"]}
    meeting = {"folder": str(folder / "asked"), "planned": {"evaluate": 4}}
    return {"models": models, "eval": settings, "meeting": meeting, "report": str(folder / "report")}


def test_all_gpus_work_at_once_and_the_driver_has_none(tmp_path: Path, tiny: Path) -> None:
    one = synthesis(tmp_path, tiny, 1, {})
    two = synthesis(tmp_path, tiny, 2, {name: {"actors": 1} for name in ("translate", "judge")})
    asked = {**two, **evaluation(tmp_path)}
    job = {"head": HEAD, "nodes": NODES, "runs": [one, two, asked]}
    (tmp_path / "job.json").write_text(json.dumps(job))
    command = [sys.executable, str(Path(__file__).with_name("gpu_cluster.py")), str(tmp_path / "job.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"rows": 64, "failed": 0}] * 2
    _single(calls(tmp_path / "calls1"), one["meeting"]["planned"])
    _wide(calls(tmp_path / "calls2"), two["meeting"]["planned"])
    _evaluation(calls(tmp_path / "asked"))


def _single(found: list[Call], wanted: dict[str, int]) -> None:
    """Every planned actor has worked, all GPUs were taken, none twice, and there was a moment in which all of them
    were in a call."""
    assert {stage: len(of(stage, found)) for stage in STAGES} == wanted and wanted["generate"] > 1
    engines = of("generate", found).values()
    assert len({(call.node, *call.gpus) for call in engines}) == wanted["generate"]
    shared = {(call.node, *call.gpus) for call in found if call.stage != "generate"}
    assert shared.isdisjoint({(call.node, *call.gpus) for call in engines})
    assert len({(call.node, gpu) for call in found for gpu in call.gpus}) == 8
    for stage in STAGES:
        assert at_once(call for call in found if call.stage == stage) == wanted[stage]
    assert any(
        {"generate", "translate", "judge"} == {c.stage for c in found if c.start <= call.start < c.end}
        for call in found
    )


def at_once(found: Iterable[Call]) -> int:
    """The largest number of processes that were in a call at one time."""
    listed = list(found)
    return max(len({c.process for c in listed if c.start <= call.end <= c.end}) for call in listed)


def _wide(found: list[Call], wanted: dict[str, int]) -> None:
    """An engine over two GPUs holds two bundles with a GPU each, on one node."""
    engines = of("generate", found)
    assert len(engines) == wanted["generate"] == 3 and at_once(c for c in found if c.stage == "generate") == 3
    for engine in engines.values():
        assert [bundle["GPU"] for bundle in engine.bundles] == [1.0, 1.0] and len(set(engine.nodes)) == 1


def _evaluation(found: list[Call]) -> None:
    """Four engines with two GPUs each answer at the same time: all eight are in use."""
    engines = of("evaluate", found)
    assert len(engines) == 4 and at_once(found) == 4
    assert len({(engine.node, gpu) for engine in engines.values() for gpu in engine.gpus}) == 8
