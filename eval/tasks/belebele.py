"""BELEBELE: four-way reading comprehension in 122 language variants (Bandarkar et al. 2023, arXiv 2308.16884).

File: `<code>.jsonl`, one object per question with flores_passage, question, mc_answer1..4, correct_answer_num
("1".."4"), link and question_number (together the id, shared by all languages). 900 questions each; all are test,
so few-shot examples need a file of their own (`examples`).

Metric: accuracy. Three ways to ask, three different numbers:
  letter    the passage, question and lettered answers are shown, the likelihoods of A, B, C, D are compared
            (as lm-evaluation-harness does; needs a model that understands letters). One prompt pass.
  text      passage and question are shown, the likelihoods of the answers' texts are compared, divided by their
            length in characters (`normalise: none` for the plain sum). Suits small models.
  generate  as letter, but the answer is generated and its first letter is read (the paper's zero-shot setting);
            an answer without a letter is wrong.
"""

from pathlib import Path

from polydistill.engine.errors import UserError
from polydistill.eval.config import Task
from polydistill.eval.data.choices import LETTERS, accuracy, multiple_choice
from polydistill.eval.data.files import find, json_lines
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

MAX_TOKENS = 8
LETTERED = "Read the passage and answer the question with the letter of the correct answer: A, B, C or D."
FIELDS = ("flores_passage", "question", "mc_answer1", "mc_answer2", "mc_answer3", "mc_answer4", "correct_answer_num")


def load(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Questions of one language; see `eval.tasks`."""
    file = find(path, [f"{language}.jsonl"], f"belebele in {language}")
    questions = []
    for number, row in enumerate(json_lines(file, FIELDS), 1):
        key = str(row["correct_answer_num"])
        if key not in ("1", "2", "3", "4"):
            raise UserError(f"{file}:{number}: correct_answer_num is {key!r}, expected 1, 2, 3 or 4")
        answers = tuple(str(row[f"mc_answer{index}"]) for index in range(1, 5))
        identity = f"{row.get('link', number)}#{row.get('question_number', 0)}"
        how = task.choices or "letter"
        if how == "text":
            instruction, shown = task.said(language, str(row["question"])), str(row["flores_passage"])
        else:
            listed = "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, answers))
            instruction = task.said(language, LETTERED)
            shown = f"{row['flores_passage']}\n\n{row['question']}\n{listed}"
        questions.append(multiple_choice(task, identity, language, instruction, shown, answers, int(key) - 1, how))
    return {"belebele": questions}


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """Accuracy."""
    return accuracy(questions, answers, task.choices or "letter", task.normalize)
