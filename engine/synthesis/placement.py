"""How many actors each stage gets, and how much of a machine each one asks for.

Pools have fixed sizes: Ray's autoscaling of GPU pools gets stuck or unbalanced (ray#59144, #65540, #66196). They
never take everything: the actors of a lost node must find room elsewhere, and so must the tasks around generation,
which compute lost blocks again. Where the pools hold every CPU both wait for ever (seen with Ray 2.60: a third node
lost, no CPU free, the run hung; with half of the CPUs free it recovered within 40 s).
"""

from dataclasses import dataclass, replace

from polydistill.engine.config import Stage, Synthesis, Work
from polydistill.engine.errors import UserError

STAGES = ("generate", "translate", "judge")

# Shares of a GPU that one actor asks for unless configured, and relative rates (rows/s of one actor, for a 7B
# student, NLLB-3.3B and CometKiwi on one GPU of the H100 class). They only decide the first split; give measured
# rates (`polydistill plan`) or sizes in the configuration for a better one.
_GPUS = {"generate": 1.0, "translate": 0.5, "judge": 0.25}
_GPUS_OF_ONE = {"generate": 0.6, "translate": 0.25, "judge": 0.15}  # where all three have to share one card
RATES = {"generate": 20.0, "translate": 10.0, "judge": 60.0}


@dataclass(frozen=True)
class Demands:
    """What the configured models ask of the machines."""

    engine_gpus: int = 1  # GPUs that one vLLM engine spans: tensor times pipeline parallel
    judges_on_gpu: bool = True  # language ID and rules alone have nothing to do on one
    reward_models: int = 0  # processes that rate answers beside the pools
    reward_gpus: float = 0.0  # GPUs of each of them

    @classmethod
    def of(cls, config: Synthesis) -> "Demands":
        """The demands of a run."""
        student = config.student
        engine = student.engine if student and not student.endpoint else {}
        sizes = [int(engine.get(name, 1)) for name in ("tensor_parallel_size", "pipeline_parallel_size")]
        reward = student.reward if student else None
        askers = (config.work.generate.actors or 1) if student and student.endpoint else 1
        return cls(
            sizes[0] * sizes[1],
            config.judge.quality is not None,
            askers if reward else 0,
            reward.gpus if reward else 0.0,
        )


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


def size_pools(
    work: Work,
    nodes: list[Node],
    active: tuple[str, ...] = STAGES,
    rates: dict[str, float] | None = None,
    demands: Demands | None = None,
) -> Placement:
    """Fixed pool sizes for the `active` stages on these machines.

    Configured values are kept. The rest: with GPUs, actors are added one by one to the stage with the lowest total
    rate (of prompts, see `prompt_rates`) while GPUs last. Without, each stage gets one actor per 4 CPUs. At least
    half of the CPUs of the cluster *minus its largest node* stay free (on a single machine: of that machine).

    Raises:
        UserError: the configured pools ask for more than the cluster has.
    """
    rates, demands = {**RATES, **(rates or {})}, demands or Demands()
    nodes = _beside_rewards(nodes, demands)
    configured = {name: getattr(work, name) for name in active}
    width = {name: demands.engine_gpus if name == "generate" else 1 for name in active}  # bundles of one actor
    gpus = sum(node.gpus for node in nodes)
    cpus = sum(node.cpus for node in nodes)
    surviving = cpus - max(node.cpus for node in nodes) if len(nodes) > 1 else cpus
    asks = _gpu_shares(configured, gpus, width, demands)
    actors = {name: stage.actors or 1 for name, stage in configured.items()}
    open_ = [name for name, stage in configured.items() if stage.actors is None]
    if gpus:
        while open_:
            slowest = min(open_, key=lambda name: actors[name] * rates[name])
            used = sum(actors[name] * asks[name] * width[name] for name in actors)
            if used + asks[slowest] * width[slowest] > gpus or not asks[slowest]:
                break
            actors[slowest] += 1
    else:
        for name in open_:
            actors[name] = max(1, int(surviving // 4))
    budget = surviving / 2
    fixed = sum(actors[n] * width[n] * s.cpus for n, s in configured.items() if s.cpus is not None)
    free = [name for name, stage in configured.items() if stage.cpus is None]
    share = max((budget - fixed) / max(sum(actors[name] * width[name] for name in free), 1), 0.01)
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
    taken = sum(pool.actors * pool.cpus * width[name] for name, pool in pools.items())
    wanted_gpus = sum(pool.actors * pool.gpus * width[name] for name, pool in pools.items())
    if taken >= cpus or wanted_gpus > gpus + 1e-9:
        sizes = ", ".join(
            f"{n}: {p.actors} x {f'{width[n]} x ' if width[n] > 1 else ''}({p.cpus:g} CPUs, {p.gpus:g} GPUs)"
            for n, p in pools.items()
        )
        raise UserError(
            f"the pools ({sizes}) leave nothing of the cluster ({cpus:g} CPUs, {gpus:g} GPUs) for other "
            "tasks and for recomputing after a lost node: lower work.*.actors, work.*.cpus or work.*.gpus"
        )
    return Placement(pools, cpus - taken)


def _beside_rewards(nodes: list[Node], demands: Demands) -> list[Node]:
    """What the machines have for the pools, beside the reward models.

    Raises:
        UserError: no machine has the GPUs that a reward model asks for.
    """
    left, gpus = list(nodes), demands.reward_gpus
    for _ in range(demands.reward_models):
        place = next((number for number, node in enumerate(left) if node.gpus >= gpus), None)
        if place is None:
            raise UserError(f"student.reward.gpus is {gpus:g}, but no machine of the cluster has as many GPUs left")
        left[place] = replace(left[place], gpus=left[place].gpus - gpus)
    return left


def _gpu_shares(configured: dict[str, Stage], gpus: float, width: dict[str, int], demands: Demands) -> dict[str, float]:
    """GPUs that each bundle of an actor asks for, by stage.

    Raises:
        UserError: a stage asks for more than the cluster has.
    """
    if not demands.judges_on_gpu:
        configured = {n: s if n != "judge" or s.gpus is not None else s.model_copy(update={"gpus": 0.0})
                      for n, s in configured.items()}  # fmt: skip
    usual = {name: stage.gpus if stage.gpus is not None else _GPUS[name] for name, stage in configured.items()}
    one_of_each = sum(ask * width[name] for name, ask in usual.items())
    defaults = _GPUS if one_of_each <= gpus else _GPUS_OF_ONE
    asks = {}
    for name, stage in configured.items():
        ask = stage.gpus if stage.gpus is not None else (defaults[name] if gpus else 0.0)
        if ask * width[name] > gpus:
            spans = f" on each of {width[name]} GPUs (tensor and pipeline parallel)" if width[name] > 1 else ""
            raise UserError(f"work.{name}.gpus is {ask:g}{spans}, but the cluster has {gpus:g} GPUs")
        asks[name] = ask
    return asks
