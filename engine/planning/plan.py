"""What synthesis will take on a cluster: rows/s per stage, the bottleneck, pool sizes, time, disk and memory."""

import math
from collections import Counter
from dataclasses import dataclass

from polydistill.engine.config import Synthesis, Work
from polydistill.engine.errors import UserError
from polydistill.engine.planning.costs import Cost
from polydistill.engine.planning.simulation import Pool, simulate
from polydistill.engine.planning.workload import Cluster, Workload
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.run_folder import GENERATED, POOL, PROMPTS
from polydistill.engine.synthesis.placement import STAGES, Demands, Placement, size_pools

POOL_BYTES = 0.9
"""Bytes on disk (lz4) for each character of a pool row's texts and their translations."""
_IN_FLIGHT = 2  # units that may wait at each actor, see `engine.synthesis.pipeline`


@dataclass(frozen=True)
class StagePlan:
    """One stage of synthesis."""

    actors: int
    cpus: float  # of each actor
    gpus: float  # of each actor, and of each GPU that it spans
    rows_per_second: float  # of all its actors, with their devices to themselves
    prompts_per_second: float
    busy: float  # share of the time
    blocked: float  # share of the time, with a finished unit and no room for it
    source: str  # where the rate is from


@dataclass(frozen=True)
class SynthesisPlan:
    """Synthesis as a whole."""

    prompts: int
    languages: int
    units: int
    seconds: float
    bottleneck: str
    stages: dict[str, StagePlan]
    disk: dict[str, float]  # bytes by folder
    memory: float  # bytes of units on their way, on each node
    warnings: list[str]

    @property
    def pool_rows(self) -> int:
        """Prompts times languages."""
        return self.prompts * self.languages


def active_stages(config: Synthesis) -> tuple[str, ...]:
    """The stages that this run's machines work on. A server's answers are its own affair."""
    generates = config.student is not None and config.student.endpoint is None
    return STAGES if generates else STAGES[1:]


def on_processors(config: Synthesis, cluster: Cluster) -> set[str]:
    """The stages that get no GPU on this cluster."""
    placement = size_pools(config.work, cluster.list, active_stages(config), demands=Demands.of(config))
    return {name for name in placement.pools if placement.device(name) == "cpu"}


def plan(config: Synthesis, cluster: Cluster, costs: dict[str, Cost], load: Workload, seed: int = 0) -> SynthesisPlan:
    """Size the pools, let the run pass through a simulation, and add up what it takes.

    Raises:
        UserError: the configured pools do not fit the cluster, or a rate is that of another kind of device.
    """
    active, demands = tuple(name for name in STAGES if name in costs), Demands.of(config)
    placement = size(config.work, cluster, costs, load, active, demands)
    _check_devices(placement, costs)
    pools, capacities = layout(placement, cluster, costs, load, demands.engine_gpus)
    outcome = simulate(pools, capacities, load.units, seed)
    stages = {}
    for pool in pools:
        cost, sized = costs[pool.name], placement.pools[pool.name]
        actors = sized.actors or 1
        alone = _together(pool, capacities) / cost.seconds
        stages[pool.name] = StagePlan(
            actors,
            sized.cpus or 0.0,
            sized.gpus or 0.0,
            alone,
            alone * load.prompts / load.rows(pool.name),
            outcome.busy[pool.name],
            outcome.blocked[pool.name],
            cost.source,
        )
    memory = _memory(placement, cluster, load)
    return SynthesisPlan(
        load.prompts,
        load.languages,
        load.units,
        outcome.seconds,
        max(outcome.busy, key=lambda name: outcome.busy[name]),
        stages,
        _disk(config, load),
        memory,
        _warnings(cluster, load, memory),
    )


def _together(pool: Pool, capacities: list[float]) -> float:
    """Devices that all actors of a stage keep busy at the same time: several on one card have one card."""
    return sum(min(capacities[device], count * pool.demand) for device, count in Counter(pool.devices).items())


def _check_devices(placement: Placement, costs: dict[str, Cost]) -> None:
    for name in placement.pools:
        if costs[name].gpu != (placement.device(name) == "cuda"):
            kinds = ("a GPU", "processors")
            there, here = kinds if costs[name].gpu else kinds[::-1]
            raise UserError(
                f"{name}: its rate is that of {there}, and here it gets {here}. Run the sample on a machine of the "
                f"kind, or set work.{name}.gpus"
            )


def size(
    work: Work, cluster: Cluster, costs: dict[str, Cost], load: Workload, active: tuple[str, ...], demands: Demands
) -> Placement:
    """Pool sizes by `engine.synthesis.placement`, balanced by prompts/s: a stage behind the fan-out has more to do."""
    shares = {name: stage.gpus for name, stage in size_pools(work, cluster.list, active, demands=demands).pools.items()}
    rates = {}
    for name in active:
        work_per_prompt = costs[name].seconds * load.rows(name) / load.prompts
        spans = demands.engine_gpus if name == "generate" else 1
        rates[name] = ((shares[name] or 1.0) * spans if costs[name].gpu else costs[name].demand) / work_per_prompt
    return size_pools(work, cluster.list, active, rates, demands)


def layout(
    placement: Placement, cluster: Cluster, costs: dict[str, Cost], load: Workload, engine_gpus: int = 1
) -> tuple[list[Pool], list[float]]:
    """The pools on their devices: GPUs are filled one after the other, machines in turn.

    An engine over several GPUs is an actor on one device as large as all of them. Who shares a card follows from Ray's
    fractions. How fast somebody is there follows from who is busy.
    """
    cards = cluster.nodes * cluster.gpus
    capacities = [1.0] * cards + [float(cluster.cpus)] * cluster.nodes
    free, turn = [1.0] * cards, 0
    pools = []
    for name, stage in placement.pools.items():
        cost, actors, devices = costs[name], stage.actors or 1, []
        spans = engine_gpus if name == "generate" and cost.gpu else 1
        for _ in range(actors):
            if cost.gpu:
                devices.append(_take(free, stage.gpus or 1.0, spans))
                capacities[devices[-1]] = max(capacities[devices[-1]], float(spans))
            elif cost.alone:
                devices.append(len(capacities))
                capacities.append(1.0)
            else:
                devices.append(cards + turn % cluster.nodes)
                turn += 1
        rows = load.unit_rows * load.rows(name) / load.prompts
        demand = spans * cost.demand if cost.gpu else min(cost.demand, float(cluster.cpus))
        queue = _IN_FLIGHT * actors
        pools.append(Pool(name, cost.seconds * rows, devices, demand, cost.start, queue, latency=cost.latency))
    return pools, capacities


def _take(free: list[float], share: float, spans: int) -> int:
    """Take a share of `spans` GPUs that have room; the number of the first."""
    room = [gpu for gpu, left in enumerate(free) if left >= min(share, 1.0) - 1e-9][:spans]
    if len(room) < spans:
        raise UserError(
            f"no room for {share:g} of each of {spans} GPUs: the pools do not fit the cards. Lower work.*.gpus"
        )
    for gpu in room:
        free[gpu] -= min(share, 1.0)
    return room[0]


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
        GENERATED: load.prompts * source * 1.2,
        POOL: load.pool_rows * per_row,
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
            f"too few units to keep every device busy ({load.units:,}, with {cluster.nodes} x {max(cluster.gpus, 1)} "
            "devices): lower work.unit_rows"
        )
    return found
