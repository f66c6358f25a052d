"""What the multiple-choice benchmarks share."""

import re

from polydistill.eval.config import Task
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure, mean

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def multiple_choice(
    task: Task,
    identity: str,
    language: str,
    instruction: str,
    shown: str,
    answers: tuple[str, ...],
    right: int,
    how: str,
    plain: bool = False,
) -> Question:
    """A question with candidates, asked by `how`: letter, text or generate."""
    letters = tuple(LETTERS[: len(answers)])
    if how == "generate":
        return Question(identity, language, instruction, shown, gold=(letters[right],), right=right, plain=plain)
    choices = letters if how == "letter" else answers
    divide = how == "text" and task.normalize == "characters"
    parts = tuple(float(max(1, len(choice))) for choice in choices) if divide else ()
    gold = (choices[right],)
    return Question(identity, language, instruction, shown, gold, choices, right, plain=plain, parts=parts)


def accuracy(questions: list[Question], answers: list[Answer], how: str, normalize: str) -> list[Measure]:
    """Share of questions whose right candidate was chosen, in percent."""
    if how == "generate":
        hits = [float(letter(answer.text) == question.gold[0]) for question, answer in zip(questions, answers)]
    else:
        hits = [float(answer.choice == question.right) for question, answer in zip(questions, answers)]
    signature = f"choices:{how}" + (f"|norm:{normalize}" if how == "text" else "")
    return [mean("accuracy", [question.id for question in questions], hits, signature)]


def letter(text: str) -> str:
    """The letter that an answer gives: the first capital A-Z that stands alone ("The answer is B.", "(C)", "D)")."""
    found = re.search(r"(?<![^\W_])([A-Z])(?![^\W_])", re.sub(r"^\W*([a-z])\W*$", lambda m: m[1].upper(), text.strip()))
    return found[1] if found else ""
