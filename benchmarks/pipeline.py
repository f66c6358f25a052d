"""The stream (Ray Data, units, commits) costs little versus the models: at least 0.9 of the raw calls' rows/s.

Measured against: the same translator and judge called directly on the same units, without Ray and without writing
anything, by one process for each core. Both sides have loaded their models when the clock starts. tinyworld's models
are a thousand times smaller than real ones, so the stream's share is far larger here than on a cluster.
"""

import json
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import common
from polydistill.engine.config import Synthesis, validate
from polydistill.engine.generation.answers import unanswered
from polydistill.engine.prompts.artifact import open_prompts
from polydistill.engine.prompts.prepare import prepare
from polydistill.engine.storage.run_folder import PROMPTS
from polydistill.engine.storage.shards import Folder, read_table

PROMPT_ROWS, UNIT_ROWS, PAIRS = 3000, 250, 2
_TARGETS = ["deu_Latn", "ind_Latn", "jpn_Jpan"]


def run() -> list[dict[str, Any]]:
    """One row: pool rows/s of the stream versus those of the raw calls."""
    from polydistill.engine.cluster import cluster
    from polydistill.tinyworld.build import build

    tiny = Path(build(os.environ.get("POLYDISTILL_TINYWORLD", ".cache/tinyworld")))
    cores = len(os.sched_getaffinity(0))
    stream, raw, rows = [], [], 0
    with tempfile.TemporaryDirectory() as folder, cluster():
        _stream(configure(tiny, Path(folder) / "first", cores, UNIT_ROWS), cores)  # Ray's own helpers start
        for pair in range(PAIRS):
            config = configure(tiny, Path(folder) / str(pair), cores)
            order = (_stream, _raw) if pair % 2 else (_raw, _stream)
            seconds = {side: side(config, cores) for side in order}
            rows = len(config.targets) * open_prompts(Folder.of(config.output)).record.rows_kept
            stream.append(rows / seconds[_stream])
            raw.append(rows / seconds[_raw])
    return [
        common.ratio(
            "the stream versus raw calls of its stages",
            stream,
            raw,
            against="TranslateStage and JudgeStage called directly, one process for each core",
            goal=0.9,
            unit="pool rows/s",
            packages=("ray", "ctranslate2", "unbabel-comet", "torch"),
            rows=rows,
            unit_rows=UNIT_ROWS,
            beam=4,
        )
    ]


def configure(tiny: Path, output: Path, cores: int, prompts: int = PROMPT_ROWS) -> Synthesis:
    """tinyworld's prompts into three languages: a translator for each core, a judge (a third of the work) for two."""
    work = {
        "unit_rows": UNIT_ROWS,
        "translate": {"actors": cores, "cpus": 0.1},
        "judge": {"actors": max(cores // 2, 1), "cpus": 0.1},
    }
    data = {
        "output": str(output),
        "targets": _TARGETS,
        "prompts": {"path": str(tiny / "instructions.json"), "limit": prompts},
        "translate": {"model": str(tiny / "models" / "nllb"), "threads": 1},
        "judge": {"quality": {"model": str(tiny / "models" / "comet")}},
        "work": work,
    }
    return validate(Synthesis, data, "benchmark")


def _stream(config: Synthesis, cores: int) -> float:
    """Seconds from the first unit's translation to the last unit's commit."""
    from ray.data import DataContext

    from polydistill.engine.synthesis.pipeline import synthesize

    # Work starts when every actor is there: a judge that loads its model while others translate is start-up as well.
    DataContext.get_current().wait_for_min_actors_s = 300
    stages = synthesize(config).stages
    return stages["judge"].figures.last - (stages["translate"].figures.first or 0.0)


def _raw(config: Synthesis, cores: int) -> float:
    """Seconds for the same units by direct calls in `cores` processes, which take units from one queue."""
    prompts = prepare(config.prompts, config.source, Folder.of(config.output), config.work.unit_rows)
    context = multiprocessing.get_context("spawn")
    units, ready, done = context.Queue(), context.Barrier(cores + 1), context.Barrier(cores + 1)
    for unit in prompts.record.units:
        units.put(unit.path)
    for _ in range(cores):
        units.put(None)
    workers = [context.Process(target=_work, args=(config, units, ready, done)) for _ in range(cores)]
    for worker in workers:
        worker.start()
    ready.wait(timeout=300)
    start = time.perf_counter()
    done.wait(timeout=900)
    seconds = time.perf_counter() - start
    for worker in workers:
        worker.join()
    return seconds


def _work(config: Synthesis, units: Any, ready: Any, done: Any) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    from polydistill.engine.judging.stage import JudgeStage
    from polydistill.engine.translation.stage import TranslateStage

    torch.set_num_threads(1)
    assert config.translate is not None
    translate, judge = TranslateStage(config.translate), JudgeStage(config.judge)
    ready.wait(timeout=300)
    while (path := units.get()) is not None:
        rows = unanswered(read_table(Folder.of(config.output) / PROMPTS, path))
        judge(translate(rows, config.targets))
    done.wait(timeout=900)


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
