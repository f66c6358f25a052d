"""How many actors each stage gets, and how much of a machine each one asks for.

Pools have fixed sizes: Ray's autoscaling of GPU pools gets stuck or unbalanced (ray#59144, #65540, #66196). They
never take everything: the actors of a lost node must find room elsewhere, and so must the tasks around generation,
which compute lost blocks again. Where the pools hold every CPU both wait for ever (seen with Ray 2.60: a third node
lost, no CPU free, the run hung; with half of the CPUs free it recovered within 40 s).
"""

from dataclasses import dataclass

from polydistill.engine.config import Stage, Work
from polydistill.engine.errors import UserError

STAGES = ("generate", "translate", "judge")

# Shares of a GPU that one actor asks for unless configured, and relative rates (rows/s of one actor, for a 7B
# student, NLLB-3.3B and CometKiwi on one GPU of the H100 class). They only decide the first split; give measured
# rates (`polydistill plan`) or sizes in the configuration for a better one.
_GPUS = {"generate": 1.0, "translate": 0.5, "judge": 0.25}
RATES = {"generate": 20.0, "translate": 10.0, "judge": 60.0}


def prompt_rates(languages: int, rates: dict[str, float] | None = None) -> dict[str, float]:
    """Rates in prompts/s: behind the fan-out, a stage works on each prompt once for each language."""
    rates = {**RATES, **(rates or {})}
    return {name: rate if name == "generate" else rate / languages for name, rate in rates.items()}


@dataclass(frozen=True)
class Node:
    """What one machine offers Ray."""

    cpus: float
    gpus: float


@dataclass(frozen=True)
class Placement:
    """The sizes of all pools, ready for Ray Data."""

    pools: dict[str, Stage]  # every Stage with actors, cpus and gpus set
    spare_cpus: float  # left for the tasks around generation and for recomputing

    def device(self, stage: str) -> str:
        """Where that stage's model runs."""
        return "cuda" if self.pools[stage].gpus else "cpu"


def place(
    work: Work, nodes: list[Node], active: tuple[str, ...] = STAGES, rates: dict[str, float] | None = None
) -> Placement:
    """Fixed pool sizes for the `active` stages on these machines.

    Configured values are kept. The rest: with GPUs, actors are added one by one to the stage with the lowest total
    rate (of prompts, see `prompt_rates`) while GPUs last; without, each stage gets one actor per 4 CPUs. At least
    half of the CPUs of the cluster *minus its largest node* stay free (on a single machine: of that machine).

    Raises:
        UserError: the configured pools ask for more than the cluster has.
    """
    rates = {**RATES, **(rates or {})}
    configured = {name: getattr(work, name) for name in active}
    gpus = sum(node.gpus for node in nodes)
    cpus = sum(node.cpus for node in nodes)
    surviving = cpus - max(node.cpus for node in nodes) if len(nodes) > 1 else cpus
    asks = {}
    for name, stage in configured.items():
        ask = stage.gpus if stage.gpus is not None else (_GPUS[name] if gpus else 0.0)
        if ask > gpus:
            raise UserError(f"work.{name}.gpus is {ask:g}, but the cluster has {gpus:g} GPUs")
        asks[name] = ask
    actors = {name: stage.actors or 1 for name, stage in configured.items()}
    open_ = [name for name, stage in configured.items() if stage.actors is None]
    if gpus:
        while open_:
            slowest = min(open_, key=lambda name: actors[name] * rates[name])
            used = sum(actors[name] * asks[name] for name in actors)
            if used + asks[slowest] > gpus or not asks[slowest]:
                break
            actors[slowest] += 1
    else:
        for name in open_:
            actors[name] = max(1, int(surviving // 4))
    budget = surviving / 2
    fixed = sum(actors[n] * s.cpus for n, s in configured.items() if s.cpus is not None)
    free = [name for name, stage in configured.items() if stage.cpus is None]
    share = max((budget - fixed) / max(sum(actors[name] for name in free), 1), 0.01)
    pools = {
        name: stage.model_copy(
            update={
                "actors": actors[name],
                "gpus": asks[name],
                "cpus": stage.cpus if stage.cpus is not None else round(min(share, 1.0), 3),
            }
        )
        for name, stage in configured.items()
    }
    taken = sum(pool.actors * pool.cpus for pool in pools.values())
    wanted_gpus = sum(pool.actors * pool.gpus for pool in pools.values())
    if taken >= cpus or wanted_gpus > gpus:
        sizes = ", ".join(f"{n}: {p.actors} x ({p.cpus:g} CPUs, {p.gpus:g} GPUs)" for n, p in pools.items())
        raise UserError(
            f"the pools ({sizes}) leave nothing of the cluster ({cpus:g} CPUs, {gpus:g} GPUs) for other "
            "tasks and for recomputing after a lost node: lower work.*.actors, work.*.cpus or work.*.gpus"
        )
    return Placement(pools, cpus - taken)
