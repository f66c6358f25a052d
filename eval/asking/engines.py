"""Which engines answer an evaluation's questions, and where: Ray tasks with GPUs or cores, or this process.

Models and their units become jobs, one engine each. On a cluster with GPUs every engine is a Ray task that asks for its
GPUs, so the driver needs none, all GPUs work, and a GPU's memory is free when its task ends. Without GPUs there are as
many engines as cores and memory allow; where that is one, it runs in this process.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polydistill.engine.config import Student
from polydistill.engine.storage.shards import Folder
from polydistill.eval.asking.answerer import MakeAnswerer
from polydistill.eval.asking.units import Done, Job, ask

CORES = 8
"""Cores of an engine without a GPU. More of them hardly help a model that is small enough for a CPU."""
SPARE = 3 << 30
"""Bytes that an engine without a GPU needs in addition to the weights: libraries, key-value cache, activations."""


@dataclass(frozen=True)
class Engines:
    """Engines at once, and what each of them asks Ray for."""

    count: int
    gpus: int = 0
    cpus: float = 0
    memory: int = 0  # bytes

    @property
    def here(self) -> bool:
        """Whether one engine answers everything in this process."""
        return self.count == 1 and not self.gpus


def fitting(student: Student, models: Sequence[str]) -> Engines:
    """The engines that fit on the running Ray cluster; one in this process where there is no cluster.

    An engine's GPUs are the student's `tensor_parallel_size` times `pipeline_parallel_size`.
    """
    if not _on_ray():
        return Engines(1)
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    needed = int(student.engine.get("tensor_parallel_size", 1)) * int(student.engine.get("pipeline_parallel_size", 1))
    on_gpus = sum(int(node.get("GPU", 0)) // needed for node in nodes)
    if on_gpus:
        return Engines(on_gpus, gpus=needed)
    cpus = [node["CPU"] for node in nodes if node.get("CPU")]
    each = min([float(CORES), *cpus])
    memory = max((_weights(model) for model in models), default=0) + SPARE
    fits = sum(min(int(node.get("CPU", 0) // each), int(node.get("memory", 0) // memory)) for node in nodes)
    return Engines(max(1, fits), cpus=each, memory=memory)


def _on_ray() -> bool:
    return "ray" in sys.modules and sys.modules["ray"].is_initialized()


def _weights(model: str) -> int:
    """Bytes of a model's weight files; 0 for a hub id."""
    return sum(file.stat().st_size for file in Path(model).glob("*.safetensors")) if Path(model).is_dir() else 0


def split(jobs: Sequence[Job], engines: int) -> list[Job]:
    """Jobs for a number of engines. With fewer models, each model's units are distributed, largest first."""
    if not jobs:
        return []
    shares = -(-engines // len(jobs))
    result = []
    for job in jobs:
        hands: list[list[Any]] = [[] for _ in range(min(shares, len(job.units)))]
        for unit in sorted(job.units, key=lambda unit: -len(unit[0].questions)):
            min(hands, key=lambda hand: sum(len(entry.questions) for entry, _ in hand)).append(unit)
        order = {id(unit[0]): index for index, unit in enumerate(job.units)}
        for hand in hands:
            result.append(Job(job.model, job.path, tuple(sorted(hand, key=lambda unit: order[id(unit[0])]))))
    return sorted(result, key=lambda job: -job.questions)


def answer(
    jobs: Sequence[Job], student: Student, out: Folder, make: MakeAnswerer, engines: Engines, part: int
) -> Iterator[Done]:
    """Have all jobs answered; yields what is done as it gets done."""
    if engines.here:
        for job in jobs:
            yield from ask(job, student, out, make, part)
        return
    import ray

    remote = ray.remote(max_calls=1)(ask).options(  # the process ends with its task, and gives all memory back
        num_gpus=engines.gpus,
        num_cpus=engines.cpus or 1,
        memory=engines.memory,
        num_returns="streaming",
        max_retries=3,  # of a lost worker or node; what is on disk is not asked again
    )
    streams = [remote.remote(job, student, out, make, part) for job in split(jobs, engines.count)]
    while streams:
        ready, _ = ray.wait(streams, num_returns=1)
        try:
            yield ray.get(next(ready[0]))
        except StopIteration:
            streams.remove(ready[0])


def on_a_gpu(function: Any, *arguments: Any) -> Any:
    """`function(*arguments)`, in a Ray task with a GPU where the cluster has one, else in this process."""
    if not _on_ray():
        return function(*arguments)
    import ray

    if not ray.cluster_resources().get("GPU"):
        return function(*arguments)
    return ray.get(ray.remote(max_calls=1, num_gpus=1)(function).remote(*arguments))


def device_here(device: str) -> str:
    """The torch device that "auto" means in this process: cuda where there is a GPU."""
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
