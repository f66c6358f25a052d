"""Checks of evaluation: benchmarks, their languages, and what the metrics need."""

from polydistill.checks import models
from polydistill.checks.problem import Problem, caught
from polydistill.run_config import RunConfig


def languages(run: RunConfig) -> list[Problem]:
    """The source language of an evaluation is no target of it."""
    if run.eval and run.eval.source in (run.eval.targets or []):
        return [Problem("eval.targets", f"{run.eval.source} is the source language as well. Leave it out")]
    return []


def benchmarks(run: RunConfig) -> list[Problem]:
    """Every benchmark's files can be read. A language that a benchmark lacks is a note."""
    from polydistill.eval.data.sets import load_questions

    found: list[Problem] = []
    for task in run.eval.tasks if run.eval else []:
        assert run.eval is not None
        with caught(f"eval.tasks.{task.task}", found):
            asked = load_questions(run.eval.model_copy(update={"tasks": [task]}))
            found += [Problem(f"eval.tasks.{task.task}", note, note=True) for note in asked.notes]
    return found


def measures(run: RunConfig) -> list[Problem]:
    """The tokenizers and models that the metrics need."""
    from polydistill.eval.scoring.sacrebleu_tokenizers import bleu_metric

    found: list[Problem] = []
    if run.eval is None:
        return found
    for name in dict.fromkeys(task.bleu_tokenizer for task in run.eval.tasks if task.task == "flores"):
        if name != "language":
            with caught("eval.tasks.bleu_tokenizer", found):
                bleu_metric(name)
    with caught("eval.language_id", found):
        models.language_id(run.eval.language_id)
    if run.eval.comet:
        with caught("eval.comet", found):
            models.comet(run.eval.comet)
    return found
