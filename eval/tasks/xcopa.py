"""XCOPA: which of two sentences is the cause or the effect of a third, in 11 languages (Ponti et al. 2020, arXiv
2005.00333); English from COPA (Roemmele et al. 2011) in the same shape.

File: `<iso1>/test.<iso1>.jsonl` with premise, choice1, choice2, question ("cause" or "effect"), label (0 or 1), idx;
few-shot examples from `val`.

Metric: accuracy. By default (`choices: text`) the likelihood of "premise because choice" or "premise so choice" is
compared, with the connecting word of the language; `letter` and `generate` ask with an instruction. For Haitian
lm-evaluation-harness has the word for "why" in place of "because"; here it is put right.
"""

from pathlib import Path

from polydistill.engine.languages import get_language
from polydistill.eval.config import Task
from polydistill.eval.data.choices import accuracy, multiple_choice
from polydistill.eval.data.files import find, json_lines
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

MAX_TOKENS = 8
LETTERED = {
    "cause": "Which sentence is the cause of the first one: A or B?",
    "effect": "Which sentence is the effect of the first one: A or B?",
}
# because - so
WORDS = {
    "en": ("because", "therefore"),
    "et": ("sest", "seetõttu"),
    "ht": ("paske", "donk"),
    "id": ("karena", "maka"),
    "it": ("perché", "quindi"),
    "qu": ("imataq", "chaymi"),
    "sw": ("kwa sababu", "kwa hiyo"),
    "ta": ("காரணமாக", "எனவே"),
    "th": ("เพราะ", "ดังนั้น"),
    "tr": ("çünkü", "bu yüzden"),
    "vi": ("bởi vì", "vì vậy"),
    "zh": ("因为", "所以"),
}


def load(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Questions of one language; see `eval.tasks`."""
    split, iso = task.split or "test", get_language(language).iso1
    file = find(path, [f"{iso}/{split}.{iso}.jsonl", f"{split}.{iso}.jsonl"], f"xcopa in {language}")
    fields = ("premise", "choice1", "choice2", "question", "label")
    rows = enumerate(json_lines(file, fields))
    return {"xcopa": [_question(task, language, str(row.get("idx", number)), row) for number, row in rows]}


def _question(task: Task, language: str, identity: str, row: dict[str, str]) -> Question:
    answers, right, how = (row["choice1"], row["choice2"]), int(row["label"]), task.choices or "text"
    if how != "text":
        instruction = task.said(language, LETTERED[row["question"]])
        shown = f"{row['premise']}\nA. {answers[0]}\nB. {answers[1]}"
        return multiple_choice(task, identity, language, instruction, shown, answers, right, how)
    words = WORDS.get(get_language(language).iso1, WORDS["en"])
    word = words[0] if row["question"] == "cause" else words[1]
    premise = row["premise"].strip().rstrip(".。!！?？")
    turkish = {"I": "ı", "İ": "i"} if language.startswith("tur_") else {}
    choices = tuple(" " + turkish.get(answer[:1], answer[:1].lower()) + answer[1:] for answer in answers)
    return multiple_choice(task, identity, language, f"{premise} {word}", "", choices, right, how, plain=True)


def examples(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Rows of the validation split."""
    return load(task.model_copy(update={"split": "val"}), path, language, source)


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """Accuracy."""
    return accuracy(questions, answers, task.choices or "text", task.normalize)
