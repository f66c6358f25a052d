"""XQuAD: questions about a passage in 12 languages (Artetxe et al. 2020, arXiv 1910.11856).

File: `xquad.<iso1>.json[.gz]` in SQuAD 1.1's shape. 1,190 questions each; there is no other split, so few-shot
examples need a file of their own (`examples`).

Metrics: `f1` and `em` by SQuAD 1.1's English rules whatever the language, as XQuAD's README asks for; and `f1_language`
and `em_language` by MLQA's rules (articles of the language; Chinese, Japanese, Thai split into characters), because
the English rules make F1 almost an exact match in Chinese and Thai.
"""

from pathlib import Path

from polydistill.engine.errors import UserError
from polydistill.eval.config import Task
from polydistill.eval.data.files import checked, find, json_file, names_of
from polydistill.eval.data.spans import answers_in, span_measures
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

MAX_TOKENS = 48
INSTRUCTION = "Answer the question with words taken from the passage."


def load(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Questions of one language; see `eval.tasks`."""
    iso = names_of(language)["iso1"]
    file = find(path, [f"xquad.{iso}.json", f"{language}.json"], f"xquad in {language}") if path.is_dir() else path
    data = checked(json_file(file), ("data",), str(file))
    questions = answers_in(data, str(file), language, language, task.said(language, INSTRUCTION))
    if not questions:
        raise UserError(f"{file}: no question in it")
    return {"xquad": questions}


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """F1 and exact match, by SQuAD's and by MLQA's rules."""
    return span_measures(questions, answers, ("squad", "mlqa"))
