"""MLQA: questions about a passage in 7 languages, also across languages (Lewis et al. 2020, arXiv 1910.07475).

File: `test/test-context-<iso1>-question-<iso1>.json` (SQuAD 1.1's shape); few-shot examples from
`dev/dev-context-...`. Here passage and question are in the same language (XLT's G-XLT pairs of different languages
would be sets of their own).

Metrics: `f1` and `em` by the official mlqa_evaluation_v1.py, see `eval.scoring.overlap`.
"""

from pathlib import Path

from polydistill.eval.config import Task
from polydistill.eval.data.files import checked, find, json_file, names_of
from polydistill.eval.data.spans import answers_in, span_measures
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

MAX_TOKENS = 48
INSTRUCTION = "Answer the question with words taken from the passage."


def load(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Questions of one language; see `eval.tasks`."""
    split, iso = task.split or "test", names_of(language)["iso1"]
    name = f"{split}-context-{iso}-question-{iso}.json"
    file = find(path, [f"{split}/{name}", name], f"mlqa in {language}")
    data = checked(json_file(file), ("data",), str(file))
    return {"mlqa": answers_in(data, str(file), language, language, task.said(language, INSTRUCTION))}


def examples(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Questions of the dev split."""
    return load(task.model_copy(update={"split": "dev"}), path, language, source)


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """F1 and exact match."""
    return span_measures(questions, answers, ("mlqa",))
