"""SIB-200: seven topics for FLORES sentences in 205 languages (Adelani et al. 2024, arXiv 2309.07445).

File: `<code>/test.tsv` with a header (index_id, category, text), or `<code>.tsv` of the same shape; few-shot examples
from `<code>/train.tsv`. 204 test sentences each. (Files with "id TAB text" alone are the same sentences without
topics: parallel text, which `flores` reads.)

Metric: accuracy, by the likelihood of the topic's name (`choices: text`, the default), or lettered.
"""

from pathlib import Path

from polydistill.engine.errors import UserError
from polydistill.eval.config import Task
from polydistill.eval.data.choices import LETTERS, accuracy, multiple_choice
from polydistill.eval.data.files import find, tsv
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

MAX_TOKENS = 8
TOPICS = ("science/technology", "travel", "politics", "sports", "health", "entertainment", "geography")
INSTRUCTION = f"What is the topic of the following text? Answer with one of: {', '.join(TOPICS)}."
LETTERED = "What is the topic of the following text? Answer with a letter."


def load(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Questions of one language; see `eval.tasks`."""
    split = task.split or "test"
    file = find(path, [f"{language}/{split}.tsv", f"{language}.tsv"], f"sib200 in {language}")
    head, *rows = tsv(file, 2)
    if head[:3] != ["index_id", "category", "text"]:
        raise UserError(
            f"{file}:1: expected the header index_id, category, text; without topics these sentences can only be used "
            "as parallel text (task flores)"
        )
    return {"sib200": [_question(task, file, language, row) for row in rows]}


def _question(task: Task, file: Path, language: str, row: list[str]) -> Question:
    identity, topic, text = row[:3]
    if topic not in TOPICS:
        raise UserError(f"{file}, index_id {identity}: unknown category {topic!r}")
    how = task.choices or "text"
    instruction = task.said(language, INSTRUCTION if how == "text" else LETTERED)
    if how != "text":
        text = "\n".join([text, *(f"{letter}. {name}" for letter, name in zip(LETTERS, TOPICS))])
    return multiple_choice(task, identity, language, instruction, text, TOPICS, TOPICS.index(topic), how)


def examples(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Sentences of the training split."""
    return load(task.model_copy(update={"split": "train"}), path, language, source)


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """Accuracy."""
    return accuracy(questions, answers, task.choices or "text", task.normalize)
