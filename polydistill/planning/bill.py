"""The bill: what each step takes and what they take together."""

from collections.abc import Sequence
from dataclasses import dataclass

from polydistill.engine.config import Student
from polydistill.engine.planning import costs
from polydistill.engine.planning.costs import Cost, Texts
from polydistill.engine.planning.measured import check_sample, kept_share, measured
from polydistill.engine.planning.plan import SynthesisPlan, on_processors, plan
from polydistill.engine.planning.workload import Cluster, Workload
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.placement import Demands
from polydistill.engine.synthesis.summary import read_summary
from polydistill.planning import evaluation, training
from polydistill.planning.memory import GIB, Machines, MemoryRow, memory_rows
from polydistill.planning.shapes import student_shape
from polydistill.run_config import RunConfig
from polydistill.times import read_times


@dataclass(frozen=True)
class Step:
    """One row of the bill. All machines are paid for while a step runs, whether it uses them or not."""

    name: str
    seconds: float
    gpu_hours: float
    node_hours: float
    money: float | None  # None: no price was given
    source: str  # what the time rests on


@dataclass(frozen=True)
class Rent:
    """The machines, and what they cost."""

    cluster: Cluster
    gpu: str  # a key of `costs.GPUS`
    price: float | None = None  # of a GPU-hour, or of a node-hour without GPUs

    def step(self, name: str, seconds: float, source: str) -> Step:
        """The row of a step that takes so long."""
        nodes = seconds / 3600 * self.cluster.nodes
        gpus = nodes * self.cluster.gpus
        money = None if self.price is None else self.price * (gpus if self.cluster.gpus else nodes)
        return Step(name, seconds, gpus, nodes, money, source)


@dataclass(frozen=True)
class Plan:
    """What a run will take (`polydistill plan --json`)."""

    cluster: Cluster
    gpu: str | None  # None: machines without GPUs
    synthesis: SynthesisPlan
    steps: list[Step]
    total: Step
    memory: list[MemoryRow]
    disk: dict[str, float]  # bytes by what stands there
    warnings: list[str]
    not_included: list[str]
    format: int = 2


def total(steps: Sequence[Step]) -> Step:
    """The sum of all steps, which follow one another."""
    prices = [step.money for step in steps if step.money is not None]
    return Step(
        "total",
        sum(step.seconds for step in steps),
        sum(step.gpu_hours for step in steps),
        sum(step.node_hours for step in steps),
        sum(prices) if len(prices) == len(steps) else None,
        "",
    )


def bill(run: RunConfig, rent: Rent, load: Workload, sample: str | None = None) -> Plan:
    """Plan synthesis, training and evaluation.

    Args:
        sample: folder of a small run with the same models, whose rates are used.

    Raises:
        UserError: a model of unknown size, a sample of another configuration, or pools that do not fit the cluster.
    """
    cluster, demands = rent.cluster, Demands.of(run)
    bandwidth, card = costs.known_gpu(rent.gpu)
    if sample:
        check_sample(run, sample)
        rates = measured(sample)
    else:
        rates = costs.published(run, load.texts, rent.gpu, on_processors(run, cluster))
    synthesis = plan(run, cluster, rates, load)
    whole = synthesis.seconds + (beside(sample) if sample else 0.0)
    steps = [rent.step("synthesis", whole, f"simulated, limited by {synthesis.bottleneck}")]
    disk, memory, warnings = dict(synthesis.disk), list[MemoryRow](), list(synthesis.warnings)
    absent = _not_included(run)
    kept = kept_share(sample) if sample else 1.0
    if run.student:
        shape, origin = student_shape(run.student, run.train)
        work = training.lessons(run, load, kept)
        seconds, source = training.seconds(shape, run, work, cluster, rent.gpu, sample)
        source = f"{costs.human(work.trained / 1e9)} tokens in {work.steps:,} steps. {source[0].upper()}{source[1:]}"
        steps.append(rent.step("training", seconds, source))
        if run.eval:
            asked = evaluation.exam(run.eval)
            generate = rates.get("generate") or _generation(run.student, load.texts, bandwidth, not cluster.gpus)
            tokens = load.texts.per_prompt(run.student)
            speed = evaluation.assumed(shape, cluster, rent.gpu, generate, tokens, demands.engine_gpus)
            speed = evaluation.measured(sample, speed) if sample else speed
            steps.append(rent.step("evaluation", *evaluation.seconds(asked, speed)))
            warnings += asked.notes
        disk |= training.disk(shape, run.train, work, bool(cluster.gpus))
        memory = memory_rows(run, Machines(cluster, shape, synthesis.stages, demands.engine_gpus), card)
        warnings += [] if sample else ["training counts every row, as if the judge dropped none"]
        warnings += [f"memory is estimated from {origin.removeprefix('from ')}", *_workers(run, cluster, memory)]
        absent += work.left_out
    gpu = rent.gpu if cluster.gpus else None
    return Plan(cluster, gpu, synthesis, steps, total(steps), memory, disk, warnings, absent)


def beside(sample: str) -> float:
    """Seconds of a sample's synthesis beside its stream: Ray's start, the translator's conversion, the report."""
    folder = Folder.of(sample)
    summary, whole = read_summary(folder), read_times(folder).steps.get("synthesis", 0.0)
    return max(0.0, whole - summary.curve[-1][0]) if summary and summary.curve else 0.0


def _generation(student: Student, texts: Texts, bandwidth: float, on_cores: bool) -> Cost:
    """The cost of an answer where a server answers in synthesis. Evaluation asks the model itself."""
    return costs.language_model(costs.parameters(student.model), texts.per_prompt(student), bandwidth, on_cores)


def _workers(run: RunConfig, cluster: Cluster, memory: Sequence[MemoryRow]) -> list[str]:
    found, cards = [], cluster.nodes * cluster.gpus
    workers = run.train.workers
    if cards and workers > cards:
        found.append(
            f"train.workers is {workers}, and there are {cards} GPUs: set it to {cards}, with which this counts"
        )
    if cards and workers < cards:
        found.append(f"training uses {workers} of {cards} GPUs: set train.workers={cards}, or train on fewer machines")
    offloaded = sum(row.offloaded for row in memory)
    if offloaded > 0.9 * cluster.memory * GIB:
        text = f"training keeps {offloaded / GIB:,.0f} GiB in the memory of each machine"
        found.append(f"{text}, which has {cluster.memory:,.0f} GiB: leave train.offload out, or use train.lora")
    return found


def _not_included(run: RunConfig) -> list[str]:
    found = ["downloads of models and data, and their disk space", "mixing, which takes minutes on processors"]
    if run.student and run.student.endpoint:
        found.append(f"what the server at {run.student.endpoint.url} takes and costs")
    if run.translate and run.translate.endpoint:
        found.append(f"what the server at {run.translate.endpoint.url} takes and costs")
    if run.translate and run.translate.fallback:
        found.append("the second translator's work")
    if run.eval is None:
        found.append("evaluation, since the run has no `eval` section")
    elif run.eval.comet or run.eval.geometry:
        found.append("COMET scores and sentence vectors of evaluation")
    return [*found, "lost machines, and slow networks and file systems"]
