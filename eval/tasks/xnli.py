"""XNLI: entailment, neutrality, contradiction in 15 languages (Conneau et al. 2018, arXiv 1809.05053).

File: `xnli.test.tsv` of XNLI-1.0 (with a header: language, gold_label, sentence1, sentence2, pairID, ...), all
languages in one file; few-shot examples from `xnli.dev.tsv`.

Metric: accuracy. By default (`choices: text`) the likelihood of "premise, right? Yes, hypothesis" against "Also" and
"No" is compared, the form of XGLM (Lin et al. 2022) and lm-evaluation-harness, with words of the language; `letter` and
`generate` ask with an instruction and lettered options. Where the harness' words are wrong they are put right here, so
its numbers differ: Arabic (its "no" is the word for a numeral), Greek (gender), Spanish (accent).
"""

from pathlib import Path

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language
from polydistill.eval.config import Task
from polydistill.eval.data.choices import accuracy, multiple_choice
from polydistill.eval.data.files import find, tsv
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

MAX_TOKENS = 8
LABELS = ("entailment", "neutral", "contradiction")
LETTERED = (
    "Does the first sentence imply the second? Answer with a letter: A (yes, it does), B (it may or may not) or "
    "C (no, it contradicts it)."
)
# right? - Yes - Also - No
WORDS = {
    "ar": ("صحيح", "نعم", "لذا", "لا"),
    "bg": ("правилно", "да", "така", "не"),
    "de": ("richtig", "Ja", "Auch", "Nein"),
    "el": ("σωστά", "Ναι", "Έτσι", "Όχι"),
    "en": ("right", "Yes", "Also", "No"),
    "es": ("correcto", "Sí", "Así que", "No"),
    "fr": ("correct", "Oui", "Aussi", "Non"),
    "hi": ("सही", "हाँ", "इसलिए", "नहीं"),
    "ru": ("правильно", "Да", "Так", "Нет"),
    "sw": ("sahihi", "Ndiyo", "Hivyo", "Hapana"),
    "th": ("ถูกต้อง", "ใช่", "ดังนั้น", "ไม่"),
    "tr": ("doğru", "Evet", "Böylece", "Hayır"),
    "ur": ("صحیح", "جی ہاں", "اس لئے", "نہیں"),
    "vi": ("đúng", "Vâng", "Vì vậy", "Không"),
    "zh": ("正确", "是的", "所以", "不是的"),
}


def load(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Questions of one language; see `eval.tasks`."""
    split, iso = task.split or "test", get_language(language).iso1
    file = find(path, [f"xnli.{split}.tsv"], "xnli") if path.is_dir() else path
    head, *rows = tsv(file, 8)
    try:
        where = {name: head.index(name) for name in ("language", "gold_label", "sentence1", "sentence2", "pairID")}
    except ValueError as error:
        raise UserError(f"{file}:1: {error} (the header of XNLI-1.0 is expected)") from error
    picked = [row for row in rows if row[where["language"]] == iso]
    if not picked:
        raise UserError(f"{file}: no row in language {iso!r}")
    return {"xnli": [_question(task, language, {k: row[i] for k, i in where.items()}) for row in picked]}


def _question(task: Task, language: str, row: dict[str, str]) -> Question:
    right, how = LABELS.index(row["gold_label"]), task.choices or "text"
    premise, hypothesis = row["sentence1"].strip(), row["sentence2"].strip()
    identity = row["pairID"]
    if how != "text":
        shown = f"{premise}\n{hypothesis}"
        instruction = task.said(language, LETTERED)
        return multiple_choice(task, identity, language, instruction, shown, LABELS, right, how)
    word, *answers = WORDS.get(get_language(language).iso1, WORDS["en"])
    choices = tuple(f" {answer}, {hypothesis}" for answer in answers)
    return multiple_choice(task, identity, language, f"{premise}, {word}?", "", choices, right, how, plain=True)


def examples(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Rows of the dev split."""
    return load(task.model_copy(update={"split": "dev"}), path, language, source)


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """Accuracy."""
    return accuracy(questions, answers, task.choices or "text", task.normalize)
