"""The stream of all stages on parts of one GPU (or on a CPU's cores)."""

import json
import threading
from pathlib import Path

import torch

from benchmarks.gpu import material
from benchmarks.gpu.check import Figure

ENGINES = 2


def stream(folder: Path) -> list[Figure]:
    """512 prompts into three languages, with two engines, a translator and a judge on one card."""
    from polydistill import configs
    from polydistill.engine.storage.record import read_record
    from polydistill.engine.storage.shards import Folder
    from polydistill.engine.synthesis.summary import FILE, SynthesisRecord
    from polydistill.run import Run
    from polydistill.run_config import load_run

    material.world(folder / "out")
    (folder / "out/world").rename(folder / "out/tinyworld")
    config = load_run(Path(configs.__file__ or "").parent / "runs/demo.yaml", _changes(folder), folder=str(folder))
    most, over = [0], threading.Event()
    watch = threading.Thread(target=_count, args=(most, over), daemon=True)
    watch.start()
    Run(config).synthesize()
    over.set()
    watch.join()
    record = read_record(Folder.of(config.output), FILE, SynthesisRecord)
    return [
        Figure("failed rows", record.failed, at_most=0),
        Figure("kept", record.kept / max(record.rows, 1), "of the rows", at_least=0.5),
        Figure("engines at once", most[0], at_least=ENGINES),
        Figure("speed", record.rows / max(record.curve[-1][0], 1e-9) if record.curve else 0.0, "rows/s"),
    ]


def _changes(folder: Path) -> list[str]:
    gpu = torch.cuda.is_available()
    share = {"gpus": 0.2 if gpu else 0, "cpus": 0.3}
    sizes = {"generate": ENGINES, "translate": 1, "judge": 1}
    work = {"unit_rows": 64, **{name: {"actors": actors, **share} for name, actors in sizes.items()}}
    engine: dict[str, object] = {"max_model_len": 256, "max_num_seqs": 32, "enforce_eager": True}
    engine |= {"gpu_memory_utilization": 0.15} if gpu else {"dtype": "float32"}
    changes = [f"output={folder}/run", "prompts.limit=512", f"work={json.dumps(work)}"]
    changes += [f"student.engine={json.dumps(engine)}"]
    return changes + (["translate.compute_type=int8_float16", "judge.quality.dtype=float16"] if gpu else [])


def _count(most: list[int], over: threading.Event) -> None:
    """The largest number of Ray's engine actors that lived at one time, by their processes' titles."""
    import psutil

    while not over.wait(0.5):
        alive = 0
        for process in psutil.Process().children(recursive=True):
            try:
                alive += "vLLMEngineStage" in " ".join(process.cmdline())
            except psutil.NoSuchProcess:
                continue
        most[0] = max(most[0], alive)
