"""MGSM: 250 grade-school problems in 11 languages (Shi et al. 2022, arXiv 2210.03057).

File: `mgsm_<iso1>.tsv`, headerless: question TAB number. Few-shot examples: the authors' `exemplars.py` beside the
data (its 8 worked solutions per language), read as data, never run.

Metric: exact match of the last number of the answer with the gold number, in percent. `eval.scoring.numbers` says
how signs,
thousands separators, decimal commas and the digits of other scripts are read.
"""

import ast
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language
from polydistill.eval.config import Task
from polydistill.eval.data.files import find, lines, names_of, tsv
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure, mean
from polydistill.eval.scoring.numbers import last_number

MAX_TOKENS = 512
INSTRUCTION = "Solve the following problem step by step and end with the answer as a number."
# "Question: " and "Step-by-Step Answer: " in front of the exemplars, in whatever language: not part of the text.
_LABEL = re.compile(r"^[^:：]{1,40}[:：]\s*")


def load(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Questions of one language; see `eval.tasks`."""
    file = find(path, [f"mgsm_{names_of(language)['iso1']}.tsv", f"{language}.tsv"], f"mgsm in {language}")
    return {
        "mgsm": [
            Question(str(number), language, task.said(language, INSTRUCTION), text, (gold.strip(),))
            for number, (text, gold, *_) in enumerate(tsv(file, 2))
        ]
    }


def examples(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """The authors' worked examples."""
    file = find(path, ["exemplars.py", "exemplars.py.txt"], "mgsm's examples")
    worked = _exemplars(file).get(get_language(language).iso1, {})
    instruction = task.said(language, INSTRUCTION)
    return {
        "mgsm": [
            Question(key, language, instruction, _LABEL.sub("", row["q"]), (_LABEL.sub("", row["a"]),))
            for key, row in worked.items()
        ]
    }


def _exemplars(file: Path) -> dict[str, dict[str, dict[str, Any]]]:
    try:
        tree = ast.parse("\n".join(lines(file)))
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "MGSM_EXEMPLARS":
                return ast.literal_eval(node.value)
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{file}: cannot be read as data ({error})") from error
    raise UserError(f"{file}: no MGSM_EXEMPLARS in it")


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """Exact match of the final number."""
    hits = [
        # The gold column has integers, in every language with commas between groups.
        float(Decimal(question.gold[0].replace(",", "")) in last_number(answer.text))
        for question, answer in zip(questions, answers)
    ]
    return [mean("accuracy", [question.id for question in questions], hits, "number:last")]
