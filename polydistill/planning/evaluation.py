"""Evaluation's part of the bill: questions times tokens, at the student's speed."""

from dataclasses import dataclass
from pathlib import Path

from polydistill.engine.config import validate
from polydistill.engine.errors import UserError
from polydistill.engine.planning.costs import CORE, Cost
from polydistill.engine.planning.workload import Cluster
from polydistill.engine.storage.configuration import CONFIG, read_configuration
from polydistill.engine.storage.record import read_record
from polydistill.engine.storage.shards import Folder
from polydistill.eval.asking.pace import FILE, Pace
from polydistill.eval.benchmark import benchmark
from polydistill.eval.config import Eval, Task
from polydistill.run_config import RunConfig
from polydistill.times import read_times
from polydistill.trainer.run.memory import PEAK, Shape

QUESTIONS = {
    "belebele": 900, "flores": 1012, "mgsm": 250, "mkqa": 10_000, "mlama": 10_000, "mlqa": 5_000, "off_target": 500,
    "sib200": 204, "xcopa": 500, "xlsum": 1_000, "xnli": 5_010, "xquad": 1_190,
}  # fmt: skip
"""Questions of a benchmark's test split in one language. mlama, mlqa, off_target and xlsum vary, so these are rough."""
CHOICES = {"belebele": 4, "sib200": 7, "xcopa": 2, "xnli": 3, "mlama": 20}
"""Texts whose likelihoods are compared for one question."""
PROMPT = 300
"""Tokens of a question with its passage, an assumption."""
LENGTH = 0.5
"""Share of `max_tokens` that an answer takes, an assumption."""
MODELS = 2
"""The student before and after training."""
FILL = 256
"""Questions of a set that fill an engine, so that more of them take longer in proportion."""
PREFILL = 0.4
"""Share of a GPU's peak that reading prompts reaches, an assumption."""


@dataclass(frozen=True)
class Asked:
    """One benchmark's questions."""

    task: str
    questions: int
    read: float  # tokens of a question's prompts
    written: float  # tokens of its answer
    sets: int = 1  # languages, and directions, which are asked one after another


@dataclass(frozen=True)
class Exam:
    """What one model is asked."""

    tasks: tuple[Asked, ...]
    notes: list[str]

    @property
    def questions(self) -> int:
        """All questions."""
        return sum(each.questions for each in self.tasks)


def exam(config: Eval) -> Exam:
    """Questions and tokens, from the benchmarks' files where they are here, else from their published sizes."""
    tasks, guessed = [], []
    for task in config.tasks:
        sizes = _counted(config, task)
        if sizes is None:
            sizes = _published(config, task)
            guessed.append(task.task)
        likelihood = task.task in CHOICES and task.choices != "generate"
        letters = (task.choices or ("letter" if task.task == "belebele" else "text")) == "letter"
        read = PROMPT * (1 + task.shots) * (CHOICES[task.task] if likelihood and not letters else 1)
        written = 0.0 if likelihood else LENGTH * (task.max_tokens or benchmark(task.task).MAX_TOKENS)
        tasks.append(Asked(task.task, sum(sizes), read, written, len(sizes)))
    notes = [f"sizes of {', '.join(guessed)} are the published ones"] if guessed else []
    return Exam(tuple(tasks), notes)


def _counted(config: Eval, task: Task) -> list[int] | None:
    """Questions of each set, where its files are here."""
    from polydistill.eval.data.sets import load_questions

    if not Path(config.path(task)).exists():
        return None
    try:
        return [len(entry.questions) for entry in load_questions(config.model_copy(update={"tasks": [task]})).sets]
    except UserError:  # `polydistill check` says what is wrong with it
        return None


def _published(config: Eval, task: Task) -> list[int]:
    each = min(QUESTIONS[task.task], task.limit or QUESTIONS[task.task])
    languages = task.languages or config.languages
    if task.task == "flores":
        others = [code for code in languages if code != config.source]
        return [each] * len(others) * (2 if task.directions == "both" else 1)
    return [each] * len(languages)


@dataclass(frozen=True)
class Speed:
    """How fast all engines together ask and answer."""

    read: float  # seconds for each token of a prompt
    written: float  # seconds for each token of an answer
    start: float  # seconds until a model is loaded
    beside: float = 0.0  # seconds of scores and reports
    each: float = 0.0  # seconds of a set of questions, whatever their number
    source: str = "at the speed of generation"

    def of(self, asked: Asked) -> float:
        """Seconds for one question."""
        return asked.read * self.read + asked.written * self.written

    def whole(self, asked: Exam) -> float:
        """Seconds for all questions of one model."""
        return sum(each.questions * self.of(each) + each.sets * self.each for each in asked.tasks)


def assumed(shape: Shape, cluster: Cluster, gpu: str, generate: Cost, tokens: float, spans: int) -> Speed:
    """The speed that follows from that of generation.

    Args:
        generate: cost of one answer of synthesis.
        tokens: tokens of such an answer.
        spans: GPUs of one engine.
    """
    units = cluster.nodes * cluster.gpus if cluster.gpus else 1  # without GPUs one engine answers
    if cluster.gpus:
        usable = max(units // spans, 1) * spans
        reading = 2 * shape.parameters / (PEAK[gpu.upper()] * PREFILL)
    else:
        usable = 1 if generate.alone else min(cluster.cpus, int(generate.demand))
        reading = 2 * shape.parameters / CORE
    return Speed(reading / usable, generate.seconds / tokens / usable, generate.start)


def measured(sample: str, speed: Speed) -> Speed:
    """`speed` corrected by the evaluation of a sample run.

    The questions of small sets do not fill the engine, so that a set takes nearly the same time with four times as
    many. What such sets took beyond the speed of generation is therefore a time for each set. Where they took less, or
    where sets are large, the speed itself is corrected. The rest of the time is the start of the models.

    Args:
        sample: folder of a run. Where it has no evaluation that was done in one go, nothing is corrected.
    """
    folder = Folder.of(sample)
    if not Folder.of(f"{sample}/eval").exists(FILE) or not folder.exists(CONFIG):
        return speed
    pace = read_record(Folder.of(f"{sample}/eval"), FILE, Pace)
    config = validate(RunConfig, read_configuration(folder), folder.join(CONFIG)).eval
    if config is None or pace.engines > 1:
        return speed
    costs = {each.task: speed.of(each) for each in exam(config).tasks}
    parts = [
        (part, part.answers * costs.get(part.set.removesuffix("_into").removesuffix("_from"), 0.0))
        for part in pace.parts
    ]
    models = dict.fromkeys(part.model for part in pace.parts)
    passed = planned = count = 0.0
    for model in models:
        mine = [(part.seconds, cost) for part, cost in parts if part.model == model]
        passed += mine[-1][0] - mine[0][0]
        planned += sum(cost for _, cost in mine[1:])
        count += len(mine) - 1
    if not passed or not planned:
        return speed
    small = count * FILL > sum(part.answers for part in pace.parts)
    share = min(1.0, passed / planned) if small else passed / planned
    each = max(0.0, passed - planned) / count if small else 0.0
    whole, last = share * sum(cost for _, cost in parts) + each * len(parts), pace.parts[-1].seconds
    start = max(0.0, last - whole) / len(models)
    beside = max(0.0, read_times(folder).steps.get("evaluation", last) - last)
    return Speed(speed.read * share, speed.written * share, start, beside, each, f"measured in {sample}")


def seconds(asked: Exam, speed: Speed) -> tuple[float, str]:
    """How long all models take, and in words on what that rests."""
    source = f"{MODELS} models, {asked.questions:,} questions each, {speed.source}"
    return MODELS * (speed.start + speed.whole(asked)) + speed.beside, source
