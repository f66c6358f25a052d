"""MGSM: 250 grade-school problems in 11 languages (Shi et al. 2022, arXiv 2210.03057).

File: `mgsm_<iso1>.tsv`, headerless: question TAB number. Few-shot examples: the authors' `exemplars.py` next to the
data (its 8 worked solutions per language), read as data, never run.

Metric: exact match of the last number of the answer with the gold number, in percent. `eval.scoring.numbers` says
how signs, thousands separators, decimal commas and the digits of other scripts are read.
"""

import ast
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language
from polydistill.eval.benchmark import ENGLISH, LacksLanguage, Sets, Wanted
from polydistill.eval.config import Task
from polydistill.eval.data.files import find, lines, names_of, tsv
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure, mean
from polydistill.eval.scoring.numbers import last_number

TITLE = "MGSM"
ABOUT = {"mgsm": "grade-school mathematics"}
HEADLINE = ("accuracy",)
KIND = "NLG"
MAX_TOKENS = 512
STOP = ("\nQuestion:",)  # a model without an end of turn goes on with another problem, whose number would be read
EXAMPLES = "exemplars"
SENTENCES = False
INSTRUCTIONS = {
    ENGLISH: "Solve the following problem step by step and end with the answer as a number.",
    "ben_Beng": "নিচের সমস্যাটি ধাপে ধাপে সমাধান করুন এবং শেষে উত্তরটি একটি সংখ্যা হিসেবে লিখুন।",
    "deu_Latn": "Löse die folgende Aufgabe Schritt für Schritt und beende sie mit der Antwort als Zahl.",
    "spa_Latn": "Resuelve el siguiente problema paso a paso y termina con la respuesta en forma de número.",
    "fra_Latn": "Résous le problème suivant étape par étape et termine par la réponse sous forme de nombre.",
    "ind_Latn": "Selesaikan soal berikut langkah demi langkah dan akhiri dengan jawaban berupa angka.",
    "jpn_Jpan": "次の問題を順を追って解き、最後に答えを数字で書いてください。",
    "rus_Cyrl": "Решите следующую задачу шаг за шагом и в конце запишите ответ числом.",
    "swh_Latn": "Tatua tatizo lifuatalo hatua kwa hatua na umalize kwa jibu katika namba.",
    "tel_Telu": "కింది సమస్యను దశలవారీగా పరిష్కరించి, చివరలో జవాబును సంఖ్యగా రాయండి.",
    "tha_Thai": "จงแก้โจทย์ต่อไปนี้ทีละขั้นตอน แล้วจบด้วยคำตอบเป็นตัวเลข",
    "zho_Hans": "请逐步解答下面的题目，最后用数字写出答案。",
}
# "Question: " and "Step-by-Step Answer: " in front of the exemplars, in whatever language: not part of the text.
_LABEL = re.compile(r"^[^:：]{1,40}[:：]\s*")


def questions(wanted: Wanted) -> Sets:
    """Questions of one language; see `eval.benchmark.Benchmark`."""
    if wanted.split == EXAMPLES:
        return {"mgsm": _examples(wanted)}
    language, instruction = wanted.language, wanted.instruction(INSTRUCTIONS)
    names = [f"mgsm_{names_of(language)['iso1']}.tsv", f"{language}.tsv"]
    file = find(wanted.path, names, f"mgsm in {language}")
    found = []
    for number, (text, gold, *_) in enumerate(tsv(file, 2)):
        if gold_number(gold) is None:
            raise UserError(f"{file}:{number + 1}: expected a number behind the TAB, found {gold!r}")
        found.append(Question(str(number), language, instruction, text, (gold.strip(),)))
    return {"mgsm": found}


def gold_number(text: str) -> Decimal | None:
    """A number of the gold column: an integer, in every language with commas between groups. None: it is none."""
    try:
        number = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _examples(wanted: Wanted) -> list[Question]:
    """The authors' worked examples."""
    file = find(wanted.path, ["exemplars.py", "exemplars.py.txt"], "mgsm's examples")
    worked = _exemplars(file).get(get_language(wanted.language).iso1)
    if worked is None:
        raise LacksLanguage(f"{file}: no examples in {wanted.language}")
    instruction = wanted.instruction(INSTRUCTIONS)
    return [
        Question(key, wanted.language, instruction, _LABEL.sub("", row["q"]), (_LABEL.sub("", row["a"]),))
        for key, row in worked.items()
    ]


def _exemplars(file: Path) -> dict[str, dict[str, dict[str, str]]]:
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
        float(gold_number(question.gold[0]) in last_number(answer.text, question.language))
        for question, answer in zip(questions, answers)
    ]
    return [mean("accuracy", [question.id for question in questions], hits, "number:last")]
