"""Training's part of the bill: what a recipe gives to learn, and how long that takes."""

import math
from dataclasses import dataclass
from pathlib import Path

from polydistill.engine.mixing.recipe import Recipe, Subset, load_recipe
from polydistill.engine.planning.costs import CORE
from polydistill.engine.planning.workload import Cluster, Workload
from polydistill.engine.storage.record import read_record
from polydistill.engine.storage.shards import Folder
from polydistill.run_config import RunConfig
from polydistill.times import read_times
from polydistill.trainer.config import Train
from polydistill.trainer.records import TRAINING, TrainingRecord
from polydistill.trainer.run.memory import PEAK, Shape

MFU = 0.4
"""Share of a GPU's peak that training reaches. An assumption: packed samples of 1B to 8B parameters on one node."""
TARGET_TOKENS = 1.5
"""Tokens of a translation for each token of its source, an assumption. English-centered tokenizers need more."""
PAIR_TOKENS = 90
"""Tokens of a sample made of a sentence pair, its instruction included, an assumption."""
PROMPT_TOKENS = 40
"""Tokens of Alpaca's prompt or a chat template around a question."""
START = 60.0
"""Seconds until the first step: processes, weights and tokenization. An assumption."""
_SPEED = ("lora", "optimizer", "max_tokens", "activation_checkpointing", "offload", "compile")
_PCIE, _HOST = 20e9, 100e9  # bytes/s between a GPU and its machine, and of the machine's memory


@dataclass(frozen=True)
class Lessons:
    """What is trained on."""

    samples: int  # of one epoch
    tokens: float  # of one epoch
    steps: int  # of all epochs
    trained: float  # tokens of all steps
    left_out: list[str]  # what is not counted, in words


def lessons(run: RunConfig, load: Workload, kept: float = 1.0) -> Lessons:
    """Samples and tokens of the run's recipe.

    Args:
        kept: share of the pool rows that the judge keeps.

    Raises:
        UserError: no such recipe.
    """
    recipe, train, left_out = load_recipe(run.recipe), run.train, []
    samples = tokens = 0.0
    for name, subset in recipe.subsets.items():
        rows = _rows(run, recipe, subset, load, kept)
        if rows is None:
            left_out.append(f"subset {name}, whose size its files decide")
            continue
        samples, tokens = samples + rows, tokens + rows * _tokens(run, recipe, subset, load)
    learned = 1 - train.validation
    samples, tokens = samples * learned, tokens * learned
    pack = train.packs * train.max_tokens
    if train.batch_samples:
        pack = math.ceil(train.batch_samples * tokens / max(samples, 1))
    steps = train.steps or math.ceil(train.epochs * tokens / pack)
    if train.before:
        left_out.append("the trainings in train.before")
    return Lessons(
        round(samples), tokens, steps, float(steps * pack) if train.steps else train.epochs * tokens, left_out
    )


def _rows(run: RunConfig, recipe: Recipe, subset: Subset, load: Workload, kept: float) -> float | None:
    if subset.task == "native":
        return float(subset.rows * load.languages) if subset.rows else None
    if subset.task is None:
        rows = load.prompts if subset.source_only else load.pool_rows * kept
        return rows * (recipe.parts or {}).get(subset.part or "", 1.0)
    if run.parallel is None or run.parallel.rows is None or run.parallel.allocation:
        return None
    each = run.parallel.rows
    pairs = sum(each.values()) if isinstance(each, dict) else each * load.languages
    both = (subset.directions if subset.task == "translate" else subset.language) == "both"
    return pairs * (2.0 if both else 1.0)


def _tokens(run: RunConfig, recipe: Recipe, subset: Subset, load: Workload) -> float:
    if subset.task is not None:
        return float(PAIR_TOKENS)
    coin, texts = recipe.coin(subset), load.texts
    given = texts.answer / 4 or texts.generated
    answer = coin.truth * given + coin.self * texts.generated
    sides = {"source": 1.0, "target": TARGET_TOKENS, None: 1.0}
    whole = PROMPT_TOKENS + texts.question / 4 * sides[subset.question] + answer * sides[subset.answer]
    return min(whole, float(run.train.max_tokens))


def operations(shape: Shape, train: Train) -> float:
    """Operations for each token: 6 a parameter (4 where it is frozen), a third more with recomputation."""
    each = 4 * shape.parameters + 2 * shape.trained
    return each * (4 / 3 if train.activation_checkpointing else 1.0)


def seconds(
    shape: Shape, run: RunConfig, work: Lessons, cluster: Cluster, gpu: str, sample: str | None
) -> tuple[float, str]:
    """How long training takes, and in words on what that rests.

    Args:
        sample: folder of a run, whose trainings' speed is used where it has any.
    """
    train = run.train
    ranks = min(train.workers, cluster.nodes * (cluster.gpus or cluster.cpus))
    measured = _measured(sample, train, ranks) if sample else None
    if measured:
        start = measured.start if measured.start is not None else START
        return start + work.trained * measured.each, f"measured in {sample}: {1 / measured.each:,.0f} tokens/s"
    if not cluster.gpus:
        cores = min(ranks * (train.threads or max(1, int(train.cpus))), cluster.cpus * cluster.nodes)
        time = work.trained * operations(shape, train) / (CORE * cores)
        return START + time, f"assumed: {CORE / 1e9:g} GFLOP/s on each of {cores} cores"
    peak = PEAK[gpu.upper()] / (2 if train.precision == "fp32" else 1)
    time = work.trained * operations(shape, train) / (peak * MFU * ranks)
    source = f"assumed: MFU {MFU} of {peak / 1e12:,.0f} TFLOP/s on {ranks} GPU{'s' * (ranks > 1)}"
    if train.offload != "none":  # gradients and weights cross over, and AdamW reads and writes 28 bytes a parameter
        time += work.steps * shape.trained * (4 / _PCIE + 28 / _HOST) / ranks
        source += ", and the optimizer's time on processors"
    return START + time, source


@dataclass(frozen=True)
class _Measured:
    """A training of a sample."""

    each: float  # seconds for each token
    start: float | None  # seconds beside the steps: processes, weights, tokens, the written model


def _measured(sample: str, train: Train, ranks: int) -> _Measured | None:
    """The sample's newest training, on that many ranks; None where it has none of the same kind."""
    wanted = train.model_dump(mode="json")
    records = sorted(Path(sample).glob(f"models/*/{TRAINING}"), key=lambda file: file.stat().st_mtime)
    for file in reversed(records):
        record = read_record(Folder.of(file.parent), TRAINING, TrainingRecord)
        settings = record.identity.settings
        if any(settings[key] != wanted[key] for key in _SPEED if key in settings):
            continue
        rows = [row for row in record.curve if row.get("tokens_per_second")]
        if rows:
            tokens = [row["tokens"] or 0 for row in rows]
            passed = [count / (row["tokens_per_second"] or 1) for count, row in zip(tokens, rows)]
            begin = len(rows) // 10  # the first steps are slower
            each = sum(passed[begin:]) / sum(tokens[begin:]) * record.ranks / ranks
            whole = read_times(Folder.of(sample)).steps.get("training", 0.0)
            return _Measured(each, whole - sum(passed) if whole > sum(passed) else None)
    return None


def disk(shape: Shape, train: Train, work: Lessons, half: bool) -> dict[str, float]:
    """Bytes that stay at most at the same time: the model, checkpoints with one being written, tokens."""
    width = 2 if half else 4
    moments = 8 if train.optimizer == "adamw" else 2
    one = shape.trained * (moments + (6 if half else 4))
    count = train.keep + 1 + (1 if train.validation else 0)
    exported = shape.parameters * width if not train.lora or train.lora.merge else shape.trained * width
    return {"model": exported, f"{count} checkpoints": one * count, "tokens": work.tokens * 5}
