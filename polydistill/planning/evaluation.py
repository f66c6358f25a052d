"""Evaluation's part of the bill: questions times tokens, at the student's speed."""

from dataclasses import dataclass
from pathlib import Path

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.engine.planning.costs import CORE, Cost
from polydistill.engine.planning.workload import Cluster
from polydistill.eval.benchmark import benchmark
from polydistill.eval.config import Eval, Task
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
PREFILL = 0.4
"""Share of a GPU's peak that reading prompts reaches, an assumption."""


@dataclass(frozen=True)
class Exam:
    """What one model is asked."""

    questions: int
    read: float  # tokens of prompts
    written: float  # tokens of answers
    notes: list[str]


def exam(config: Eval) -> Exam:
    """Questions and tokens, from the benchmarks' files where they are here, else from their published sizes."""
    questions, read, written, guessed = 0, 0.0, 0.0, []
    for task in config.tasks:
        count = _counted(config, task)
        if count is None:
            count = _published(config, task)
            guessed.append(task.task)
        likelihood = task.task in CHOICES and task.choices != "generate"
        letters = (task.choices or ("letter" if task.task == "belebele" else "text")) == "letter"
        questions += count
        read += count * PROMPT * (1 + task.shots) * (CHOICES[task.task] if likelihood and not letters else 1)
        if not likelihood:
            written += count * LENGTH * (task.max_tokens or benchmark(task.task).MAX_TOKENS)
    notes = [f"sizes of {', '.join(guessed)} are the published ones"] if guessed else []
    return Exam(questions, read, written, notes)


def _counted(config: Eval, task: Task) -> int | None:
    from polydistill.eval.data.sets import load_questions

    if not Path(config.path(task)).exists():
        return None
    try:
        return sum(len(entry.questions) for entry in load_questions(config.model_copy(update={"tasks": [task]})).sets)
    except UserError:  # `polydistill check` says what is wrong with it
        return None


def _published(config: Eval, task: Task) -> int:
    each = min(QUESTIONS[task.task], task.limit or QUESTIONS[task.task])
    languages = task.languages or config.languages
    if task.task == "flores":
        return (
            each * len([code for code in languages if code != config.source]) * (2 if task.directions == "both" else 1)
        )
    return each * len(languages)


def seconds(
    asked: Exam, shape: Shape, student: Student, cluster: Cluster, gpu: str, generate: Cost, tokens: float, spans: int
) -> tuple[float, str]:
    """How long all models take, and in words on what that rests.

    Args:
        generate: cost of one answer of synthesis.
        tokens: tokens of such an answer.
        spans: GPUs of one engine.
    """
    units = cluster.nodes * cluster.gpus if cluster.gpus else 1  # without GPUs one engine answers
    each = generate.seconds / tokens
    if cluster.gpus:
        usable = max(units // spans, 1) * spans
        reading = 2 * shape.parameters / (PEAK[gpu.upper()] * PREFILL)
    else:
        usable = 1 if generate.alone else min(cluster.cpus, int(generate.demand))
        reading = 2 * shape.parameters / CORE
    time = (asked.written * each + asked.read * reading) / usable
    source = f"{MODELS} models, {asked.questions:,} questions each, at the speed of generation"
    return MODELS * (generate.start + time), source
