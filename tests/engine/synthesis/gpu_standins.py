"""Stand-ins for translators, judges and an evaluation's engines, which wait for each other; see `gpu_cluster.py`."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray

from benchmarks.standins import Standins
from polydistill.eval.asking.answerer import Asked
from polydistill.eval.question import Answer

PATIENCE = 60.0
"""Seconds that an actor waits for its peers before it goes on alone."""


@dataclass(frozen=True)
class Meeting:
    """Where the actors of all stages tell each other, and the test, that they work."""

    folder: str
    planned: dict[str, int]

    def work(self, stage: str, seconds: float) -> None:
        """One call: note who works where and when; the first time, wait for the peers."""
        start, here = time.time(), Path(self.folder, stage)
        here.mkdir(parents=True, exist_ok=True)
        (here / f"{os.getpid()}").touch()
        while len(list(here.iterdir())) < self.planned[stage] and time.time() < start + PATIENCE:
            time.sleep(0.05)
        time.sleep(seconds)
        context = ray.get_runtime_context()
        group = ray.util.get_current_placement_group()
        note = {
            "stage": stage,
            "process": os.getpid(),
            "node": context.get_node_id(),
            "gpus": [str(gpu) for gpu in ray.get_gpu_ids()],
            "bundles": group.bundle_specs if group else [],
            "nodes": sorted(ray.util.placement_group_table(group)["bundles_to_node_id"].values()) if group else [],
            "start": start,
            "end": time.time(),
        }
        with open(f"{self.folder}/log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(note) + "\n")


@dataclass
class StandInModels(Standins):
    """Translators and judges that meet."""

    meeting: Meeting | None = None

    def note(self, stage: str, table: pa.Table) -> None:
        """One call of a translator or a judge."""
        assert self.meeting is not None
        if table.num_rows:
            self.meeting.work(stage, self.delay)


class StandInAnswerer:
    """An evaluation's engine that meets the others."""

    def __init__(self, path: str, student: Any) -> None:
        self.meeting = Meeting(**json.loads(os.environ["MEETING"]))

    def __call__(self, asked: Asked) -> list[Answer]:
        """One part of a set."""
        self.meeting.work("evaluate", 0.1)
        return [
            Answer(question.gold[0], choice=question.right, tokens=5, finish="stop") for question in asked.questions
        ]

    def close(self) -> None:
        """Holds nothing."""
