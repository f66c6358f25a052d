"""Whether every step fits a GPU's memory (a machine's, without GPUs), and what would make it fit."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from polydistill.engine.config import Reward, Translator
from polydistill.engine.errors import UserError
from polydistill.engine.planning.costs import JUDGE_PARAMETERS, parameters
from polydistill.engine.planning.plan import StagePlan
from polydistill.engine.planning.workload import Cluster
from polydistill.run_config import RunConfig
from polydistill.trainer.config import Train
from polydistill.trainer.run.memory import FREE, Shape, estimate, first_stage_that_fits

GIB = 2**30
CARDS = (24, 48, 80, 141)
"""Memory of usual GPUs, GB."""
_BYTES = {"int8": 1, "int8_float16": 1, "int8_bfloat16": 1, "int8_float32": 1, "int16": 2, "float16": 2, "bfloat16": 2}
_RUNTIME = 1.5 * GIB  # CUDA context, libraries and buffers of one process, an assumption
_BATCH = 2 * GIB  # what CTranslate2 needs for a batch at least. It halves batches that do not fit.
_TRAINING: tuple[dict[str, object], ...] = (
    {"activation_checkpointing": True},
    {"deepspeed": "zero2", "activation_checkpointing": True},
    {"deepspeed": "zero3", "activation_checkpointing": True},
    {"deepspeed": "zero2", "offload": "optimizer", "activation_checkpointing": True},
    {"deepspeed": "zero3", "offload": "all", "activation_checkpointing": True},
    {"lora": {}, "activation_checkpointing": True},
    {"deepspeed": "zero2", "lora": {"bits": 4}, "activation_checkpointing": True},
)
"""Changes of the `train` section in the order in which they are advised."""


@dataclass(frozen=True)
class MemoryRow:
    """One step's memory on one GPU, or on one machine without GPUs. Bytes."""

    step: str
    need: float
    room: float  # what the step may use of the given card
    fits: bool
    advice: str  # what would fit; "" where it fits
    cards: dict[str, bool]  # GB of a usual card -> whether the step would fit there
    offloaded: float = 0.0  # in the memory of each machine, where training keeps something there


@dataclass(frozen=True)
class _Need:
    step: str
    need: float
    room: float
    offloaded: float = 0.0

    @property
    def fits(self) -> bool:
        return self.need <= self.room


@dataclass(frozen=True)
class Machines:
    """What the needs depend on besides the configuration."""

    cluster: Cluster
    shape: Shape
    stages: dict[str, StagePlan]
    engine_gpus: int  # GPUs of one vLLM engine


def memory_rows(run: RunConfig, machines: Machines, card: float) -> list[MemoryRow]:
    """Every step that holds a model.

    Args:
        card: memory of the given GPU, GB.
    """
    given = _needs(run, machines, card)
    others = {size: _needs(run, machines, size) for size in CARDS} if machines.cluster.gpus else {}
    rows = []
    for number, need in enumerate(given):
        cards = {str(size): needs[number].fits for size, needs in others.items()}
        advice = "" if need.fits else _advice(run, machines, need, card, cards)
        rows.append(MemoryRow(need.step, need.need, need.room, need.fits, advice, cards, need.offloaded))
    return rows


def resolved(train: Train, shape: Shape, ranks: int, half: bool, room: float) -> Train:
    """The settings with the ZeRO stage that `auto` means on GPUs with `room` bytes."""
    if train.deepspeed != "auto":
        return train
    stage = first_stage_that_fits(shape, train, ranks, half, room) if half else "zero2"
    return train.model_copy(update={"deepspeed": stage})


def _needs(run: RunConfig, machines: Machines, card: float) -> list[_Need]:
    found = list(_synthesis(run, machines, card))
    if run.student:
        found.append(_training(run.train, machines, card))
    if run.student and run.eval:
        found.append(_engine(run, machines, "evaluation", card, 1.0, 1))
    return found


def _synthesis(run: RunConfig, machines: Machines, card: float) -> Iterator[_Need]:
    cluster = machines.cluster
    for name, stage in machines.stages.items():
        # Without GPUs all stages share one machine's memory, so each may take its part of the actors' memory.
        count = math.ceil(stage.actors / cluster.nodes)
        if name == "generate":
            yield _engine(run, machines, name, card, stage.gpus, count)
            continue
        weights = _translator(run.translate) if name == "translate" else _judge(run)
        if stage.gpus:
            yield _Need(name, weights + _RUNTIME, stage.gpus * card * GIB)
        else:
            yield _Need(name, weights * count, cluster.memory * GIB)
    if run.student and run.student.reward:
        yield _reward(run.student.reward, cluster, card)


def _engine(run: RunConfig, machines: Machines, step: str, card: float, share: float, count: int) -> _Need:
    """vLLM: the weights, and the keys and values of one answer as long as the model allows."""
    student, shape, cluster = run.student, machines.shape, machines.cluster
    engine = student.engine if student else {}
    length = int(engine.get("max_model_len", 4096))
    cache = 4 * shape.layers * shape.hidden * length
    on_gpu = bool(cluster.gpus) and share > 0
    width = 4 if engine.get("dtype") == "float32" else 2
    need = (width * shape.parameters + cache) / (machines.engine_gpus if on_gpu else 1)
    if not on_gpu:
        return _Need(step, need * count, cluster.memory * GIB)
    claimed = float(engine.get("gpu_memory_utilization", 0.9 * min(share, 1.0)))
    return _Need(step, need + _RUNTIME, claimed * card * GIB)


def _translator(translate: Translator | None) -> float:
    if translate is None:
        return 0.0
    width = _BYTES.get(translate.compute_type, 4) if translate.method == "seq2seq" else 2
    return parameters(translate.model) * 1e9 * width + _BATCH


def _judge(run: RunConfig) -> float:
    quality = run.judge.quality
    if quality is None:
        return 0.5 * GIB  # language ID and rules
    try:
        size = parameters(quality.model)
    except UserError:
        size = JUDGE_PARAMETERS
    return _scorer(size, quality.dtype, quality.batch_tokens)


def _scorer(billions: float, dtype: str, batch_tokens: int) -> float:
    """A model that reads and gives a number: its weights, and one batch of its activations. Bytes."""
    width = 4 if dtype == "float32" else 2
    return billions * 1e9 * width + batch_tokens * 1024 * 20 * width


def _reward(reward: Reward, cluster: Cluster, card: float) -> _Need:
    need = _scorer(parameters(reward.model), reward.dtype, reward.batch_tokens)
    if cluster.gpus and reward.gpus:
        return _Need("reward", need + _RUNTIME, min(reward.gpus, 1.0) * card * GIB)
    return _Need("reward", need, cluster.memory * GIB)


def _training(train: Train, machines: Machines, card: float) -> _Need:
    cluster = machines.cluster
    half = bool(cluster.gpus) and train.precision != "fp32"
    room = card * GIB if cluster.gpus else cluster.memory * GIB
    workers = min(train.workers, cluster.nodes * (cluster.gpus or cluster.cpus))
    settings = resolved(train, machines.shape, workers, half, room)
    need = estimate(machines.shape, settings, workers, half)
    ranks = min(workers, cluster.gpus or cluster.cpus)  # of one machine, which Ray fills before the next
    if cluster.gpus:
        return _Need("training", need.device, room * (1 - FREE), need.cpu * ranks)
    return _Need("training", (need.device + need.cpu) * ranks, room * (1 - FREE))


def _advice(run: RunConfig, machines: Machines, need: _Need, card: float, cards: dict[str, bool]) -> str:
    """What would make a step fit, the setting first that costs least."""
    options = []
    if need.step == "training":
        options = [_shown(change) for change in _TRAINING if _would(run.train, change, machines, card)][:1]
    elif need.step in ("generate", "evaluation") and machines.cluster.gpus:
        options = _spread(run, machines, need, card)
    elif need.step == "translate" and run.translate and _BYTES.get(run.translate.compute_type, 4) > 1:
        options = ["translate.compute_type=int8_float16"]
    elif need.step == "judge" and run.judge.quality:
        options = ["judge.quality.batch_tokens or judge.quality.dtype=float16"]
    elif need.step == "reward":
        options = ["student.reward.batch_tokens or student.reward.dtype=bfloat16"]
    larger = next((size for size, fits in cards.items() if fits and float(size) > card), None)
    if larger:
        options.append(f"a card of {larger} GB")
    if machines.stages.get(need.step) and 0 < machines.stages[need.step].gpus < 1:
        options.append(f"a larger work.{need.step}.gpus")
    if need.step == "reward" and run.student and run.student.reward and 0 < run.student.reward.gpus < 1:
        options.append("a larger student.reward.gpus")
    return " or ".join(options) or "a smaller model"


def _spread(run: RunConfig, machines: Machines, need: _Need, card: float) -> list[str]:
    """The smallest number of GPUs of one machine that hold the engine together."""
    for count in (2, 4, 8):
        spread = Machines(machines.cluster, machines.shape, machines.stages, count)
        if machines.engine_gpus < count <= machines.cluster.gpus:
            share = machines.stages[need.step].gpus if need.step in machines.stages else 1.0
            if _engine(run, spread, need.step, card, share, 1).fits:
                return [f"student.engine.tensor_parallel_size={count}"]
    return []


def _would(train: Train, change: dict[str, object], machines: Machines, card: float) -> bool:
    try:
        changed = Train.model_validate(train.model_dump() | change)
    except ValidationError:
        return False
    shape = machines.shape
    if changed.lora and not train.lora:
        matrices = 8 * shape.hidden + 3 * (shape.hidden + shape.intermediate)
        trained = changed.lora.rank * shape.layers * matrices
        shape = Shape(shape.parameters, shape.layers, shape.hidden, shape.intermediate, shape.vocabulary, trained)
    moved = Machines(machines.cluster, shape, machines.stages, machines.engine_gpus)
    need = _training(changed, moved, card)
    return need.fits and need.offloaded < machines.cluster.memory * GIB


def _shown(change: dict[str, object]) -> str:
    parts = []
    for key, value in change.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{name}: {each}" for name, each in value.items())
            parts.append(f"train.{key}={{{inner}}}")
        else:
            parts.append(f"train.{key}={'true' if value is True else value}")
    return " with ".join((parts[0], " and ".join(parts[1:]))) if len(parts) > 1 else parts[0]
