"""Nodes that tell Ray of GPUs, and a head without any: `python gpu_cluster.py JOB.json`.

Placement, Ray's resources, the stream and evaluation are the real ones. What would compute on a GPU is replaced by
stand-ins. The first call of each waits until all planned actors of its stage are in a call, so the run only ends where
they work at the same time.
"""

import json
import sys
from pathlib import Path
from typing import Any

import ray

from tests.engine.synthesis.gpu_standins import Meeting, StandInAnswerer, StandInModels


def main(job: dict[str, Any]) -> None:
    """The runs and the evaluation of `job`, one after the other."""
    from ray.cluster_utils import Cluster

    from polydistill.engine.config import Synthesis, validate
    from polydistill.engine.synthesis.pipeline import synthesize
    from polydistill.eval.config import Eval
    from polydistill.eval.run import evaluate

    memory = {"object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**memory, **job["head"], "include_dashboard": False})
    for node in job["nodes"]:
        cluster.add_node(**memory, **node)
    import ray.llm._internal.batch.stages as stages

    from tests.engine.synthesis.gpu_engine import StandInStage

    stages.vLLMEngineStage = StandInStage
    for run in job["runs"]:
        # Each run has a connection of its own: the stand-ins of its workers read where they meet from the environment.
        meeting = {"MEETING": json.dumps(run["meeting"])}
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR", runtime_env={"env_vars": meeting})
        assert not ray.get_gpu_ids()
        config = validate(Synthesis, run["synthesis"], "test")
        if "eval" in run:
            models, settings, out = run["models"], validate(Eval, run["eval"], "test"), run["report"]
            evaluate(models, settings, config.student, out, StandInAnswerer, part=2)
        else:
            record = synthesize(config, StandInModels(delay=0.2, meeting=Meeting(**run["meeting"])))
            print(json.dumps({"rows": record.rows, "failed": record.failed}), flush=True)
        ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
