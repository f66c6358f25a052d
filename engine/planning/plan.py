"""What a run will take on a cluster: rows/s per stage, the bottleneck, pool sizes, GPU-hours, disk and memory."""

import math
from dataclasses import dataclass
from typing import Any

from polydistill.engine.config import Synthesis, Work
from polydistill.engine.errors import UserError
from polydistill.engine.planning.costs import Cost, Texts
from polydistill.engine.planning.simulation import Pool, simulate
from polydistill.engine.prompts.cleaning import clean
from polydistill.engine.prompts.fields import Notes
from polydistill.engine.prompts.sources import open_sources
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.run_folder import PROMPTS
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.placement import Node, Placement, size_pools
from polydistill.engine.synthesis.summary import read_summary

POOL_BYTES = 0.9
"""Bytes on disk (lz4) for each character of a pool row's texts and their translations."""
_IN_FLIGHT = 2  # units that may wait at each actor, see `engine.synthesis.pipeline`
_READ = 20_000  # rows whose lengths are looked at


@dataclass(frozen=True)
class Cluster:
    """Equal machines."""

    nodes: int
    gpus: int  # in each
    cpus: int  # cores in each
    memory: float  # GiB in each

    @property
    def list(self) -> list[Node]:
        """As `engine.synthesis.placement` wants them."""
        return [Node(self.cpus, self.gpus)] * self.nodes


@dataclass(frozen=True)
class Workload:
    """How much there is to do."""

    prompts: int
    languages: int
    unit_rows: int
    texts: Texts

    @property
    def units(self) -> int:
        """Units of work, each in all languages."""
        return math.ceil(self.prompts / self.unit_rows)

    @property
    def pool_rows(self) -> int:
        """Prompts times languages."""
        return self.prompts * self.languages

    def rows(self, stage: str) -> int:
        """Rows that a stage works on: prompts in generation, else pool rows."""
        return self.prompts if stage == "generate" else self.pool_rows


def workload(config: Synthesis, prompts: int | None = None, sample: str | None = None) -> Workload:
    """Count the prompts and measure their lengths.

    Args:
        prompts: how many there will be; default: those of the configured files, all of which are then read.
        sample: folder of a run, whose tokens per answer are used.
    """
    count, question, answer, looked_at = 0, 0, 0, 0
    for source in open_sources(config.prompts, config.source):
        rows = 0
        for batch in source.frames(Notes()):
            frame = batch.frame
            rows += frame.height
            if looked_at < _READ:
                kept, _ = clean(frame, source.config.max_chars)
                kept = kept.filter(kept["reason"].is_null())
                looked_at += kept.height
                lengths = [int(kept[name].str.len_chars().sum()) for name in ("instruction", "input", "truth")]
                question, answer = question + lengths[0] + lengths[1], answer + lengths[2]
            elif prompts is not None:
                break
        count += min(rows, source.config.sample or rows)
    if not looked_at:
        raise UserError("no usable prompt in the configured files")
    tokens = _self_tokens(sample) if sample and config.student else None
    texts = Texts(question / looked_at, answer / looked_at, tokens)
    return Workload(prompts or count, len(config.targets), config.work.unit_rows, texts)


def _self_tokens(run: str) -> float | None:
    summary = read_summary(Folder.of(run))
    generate = summary.stages.get("generate") if summary else None
    return generate.figures.tokens / generate.figures.rows if generate else None


def plan(config: Synthesis, cluster: Cluster, costs: dict[str, Cost], load: Workload, seed: int = 0) -> dict[str, Any]:
    """Size the pools, let the run pass through a simulation, and add up what it takes.

    Returns:
        seconds, pool_rows_per_second, bottleneck, stages {name: {actors, cpus, gpus, rows_per_second, busy, blocked,
        source}}, gpu_hours, node_hours, disk_bytes, memory_bytes (of one node), warnings.
    """
    active = tuple(name for name in ("generate", "translate", "judge") if name in costs)
    placement = size(config.work, cluster, costs, load, active)
    pools, capacities = layout(placement, cluster, costs, load)
    outcome = simulate(pools, capacities, load.units, seed)
    stages = {}
    for pool in pools:
        cost, actors = costs[pool.name], placement.pools[pool.name].actors or 1
        alone = actors * pool.demand / cost.seconds
        stages[pool.name] = {
            "actors": actors,
            "cpus": placement.pools[pool.name].cpus,
            "gpus": placement.pools[pool.name].gpus,
            "rows_per_second": alone,
            "prompts_per_second": alone * load.prompts / load.rows(pool.name),
            "busy": outcome.busy[pool.name],
            "blocked": outcome.blocked[pool.name],
            "source": cost.source,
        }
    hours = outcome.seconds / 3600
    memory = _memory(placement, cluster, load)
    return {
        "prompts": load.prompts,
        "languages": load.languages,
        "pool_rows": load.pool_rows,
        "units": load.units,
        "seconds": outcome.seconds,
        "pool_rows_per_second": load.pool_rows / outcome.seconds,
        "bottleneck": max(outcome.busy, key=lambda name: outcome.busy[name]),
        "stages": stages,
        "gpu_hours": hours * cluster.nodes * cluster.gpus,
        "node_hours": hours * cluster.nodes,
        "disk_bytes": _disk(config, load),
        "memory_bytes": memory,
        "warnings": _warnings(cluster, load, memory),
    }


def size(work: Work, cluster: Cluster, costs: dict[str, Cost], load: Workload, active: tuple[str, ...]) -> Placement:
    """Pool sizes by `engine.synthesis.placement`, balanced by prompts/s: a stage behind the fan-out has more to do."""
    shares = {name: stage.gpus for name, stage in size_pools(work, cluster.list, active).pools.items()}
    rates = {}
    for name in active:
        work_per_prompt = costs[name].seconds * load.rows(name) / load.prompts
        rates[name] = (shares[name] or 1.0 if costs[name].gpu else costs[name].demand) / work_per_prompt
    return size_pools(work, cluster.list, active, rates)


def layout(
    placement: Placement, cluster: Cluster, costs: dict[str, Cost], load: Workload
) -> tuple[list[Pool], list[float]]:
    """The pools on their devices: GPUs are filled one after the other, machines in turn."""
    capacities = [1.0] * (cluster.nodes * cluster.gpus) + [float(cluster.cpus)] * cluster.nodes
    free, first_node, turn = [1.0] * (cluster.nodes * cluster.gpus), cluster.nodes * cluster.gpus, 0
    pools = []
    for name, stage in placement.pools.items():
        cost, actors, devices = costs[name], stage.actors or 1, []
        for _ in range(actors):
            if cost.gpu:
                share = stage.gpus or 1.0
                gpu = next(i for i, room in enumerate(free) if room >= min(share, 1.0) - 1e-9)
                free[gpu] -= min(share, 1.0)
                devices.append(gpu)
            elif cost.alone:
                devices.append(len(capacities))
                capacities.append(1.0)
            else:
                devices.append(first_node + turn % cluster.nodes)
                turn += 1
        rows = load.unit_rows * load.rows(name) / load.prompts
        pools.append(
            Pool(
                name,
                work=cost.seconds * rows,
                devices=devices,
                demand=min(cost.demand, stage.gpus or 1.0) if cost.gpu else cost.demand,
                start=cost.start,
                queue=_IN_FLIGHT * actors,
                latency=cost.latency,
            )
        )
    return pools, capacities


def _row_characters(load: Workload) -> float:
    """Characters of one pool row, in both languages."""
    texts = load.texts
    return 2.1 * (texts.question + texts.answer + 4 * (texts.self_tokens or 0))


def _disk(config: Synthesis, load: Workload) -> dict[str, float]:
    """Bytes by folder. The pool's are measured where the output already has some of it."""
    try:
        pool = open_pool(config.output)
        shards = [pool.shard(target, unit) for target, units in pool.records.items() for unit in units]
        per_row = sum(shard.bytes for shard in shards) / sum(shard.rows for shard in shards)
    except UserError:
        per_row = POOL_BYTES * _row_characters(load)
    source = load.texts.question + load.texts.answer
    return {
        PROMPTS: load.prompts * (source + 60),
        "generated": load.prompts * source * 1.2,
        "pool": load.pool_rows * per_row,
    }


def _memory(placement: Placement, cluster: Cluster, load: Workload) -> float:
    """Bytes of the units that are on their way on one node: in work and waiting, translated."""
    actors = sum(stage.actors or 1 for name, stage in placement.pools.items() if name != "generate")
    unit = load.unit_rows * load.languages * (_row_characters(load) * 1.3 + 400)
    return math.ceil(actors / cluster.nodes) * (1 + _IN_FLIGHT) * unit


def _warnings(cluster: Cluster, load: Workload, memory: float) -> list[str]:
    found = []
    if memory > 0.3 * cluster.memory * 2**30:  # Ray's object store takes 30% of a machine
        rows = max(1, int(load.unit_rows * 0.3 * cluster.memory * 2**30 / memory))
        found.append(
            f"units on their way take {memory / 2**30:,.0f} GiB on each node, more than Ray's share of its "
            f"{cluster.memory:,.0f} GiB: set work.unit_rows to {rows} or less, or run fewer languages at a time"
        )
    if load.units < 4 * cluster.nodes * max(cluster.gpus, 1):
        found.append(
            f"only {load.units:,} units for {cluster.nodes} nodes: a smaller work.unit_rows keeps all of them busy"
        )
    return found
