"""SIB-200: seven topics for FLORES sentences in 205 languages (Adelani et al. 2024, arXiv 2309.07445).

File: `<code>/test.tsv` with a header (index_id, category, text), or `<code>.tsv` of the same shape; few-shot examples
from `<code>/train.tsv`. 204 test sentences each. (Files with "id TAB text" alone are the same sentences without
topics: parallel text, which `flores` reads.)

Metric: accuracy, by the likelihood of the topic's name (`choices: text`, the default), or lettered.
"""

from pathlib import Path

from polydistill.engine.errors import UserError
from polydistill.eval.benchmark import ENGLISH, Sets, Wanted
from polydistill.eval.config import Task
from polydistill.eval.data.choices import LETTERS, accuracy, multiple_choice
from polydistill.eval.data.files import find, tsv
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

TITLE = "SIB-200"
ABOUT = {"sib200": "topics"}
HEADLINE = ("accuracy",)
KIND = "NLU"
MAX_TOKENS = 8
STOP = ("\n",)
EXAMPLES = "train"
SENTENCES = False
TOPICS = ("science/technology", "travel", "politics", "sports", "health", "entertainment", "geography")
_NAMES = ", ".join(TOPICS)  # the candidates are English in every language
INSTRUCTIONS = {
    ENGLISH: f"What is the topic of the following text? Answer with one of: {_NAMES}.",
    "deu_Latn": f"Was ist das Thema des folgenden Textes? Antworte mit einem dieser Wörter: {_NAMES}.",
    "spa_Latn": f"¿Cuál es el tema del siguiente texto? Responde con una de estas palabras: {_NAMES}.",
    "fra_Latn": f"Quel est le sujet du texte suivant ? Réponds par l'un de ces mots : {_NAMES}.",
    "ind_Latn": f"Apa topik teks berikut? Jawablah dengan salah satu dari: {_NAMES}.",
    "jpn_Jpan": f"次の文章の話題は何ですか。次の中から一つ選んで答えてください：{_NAMES}",
    "rus_Cyrl": f"Какова тема следующего текста? Ответьте одним из слов: {_NAMES}.",
    "swh_Latn": f"Mada ya maandishi yafuatayo ni ipi? Jibu kwa moja kati ya: {_NAMES}.",
    "tha_Thai": f"ข้อความต่อไปนี้มีหัวข้ออะไร ตอบด้วยคำใดคำหนึ่งต่อไปนี้: {_NAMES}",
    "zho_Hans": f"下面这段文字的主题是什么？请从以下词语中选择一个回答：{_NAMES}。",
}
LETTERED = "What is the topic of the following text? Answer with a letter."


def questions(wanted: Wanted) -> Sets:
    """Questions of one language; see `eval.benchmark.Benchmark`."""
    language, split = wanted.language, wanted.split or "test"
    names = [f"{language}/{split}.tsv", *([] if wanted.split == EXAMPLES else [f"{language}.tsv"])]
    file = find(wanted.path, names, f"sib200 in {language}")
    head, *rows = tsv(file, 2, quoted=True)
    if head[:3] != ["index_id", "category", "text"]:
        raise UserError(
            f"{file}:1: expected the header index_id, category, text. Without topics these sentences can only be used "
            "as parallel text (task flores)"
        )
    return {"sib200": [_question(wanted, file, row) for row in rows]}


def _question(wanted: Wanted, file: Path, row: list[str]) -> Question:
    identity, topic, text = row[:3]
    if topic not in TOPICS:
        raise UserError(f"{file}, index_id {identity}: unknown category {topic!r}")
    how = wanted.task.choices or "text"
    instruction = wanted.instruction(INSTRUCTIONS if how == "text" else {ENGLISH: LETTERED})
    if how != "text":
        text = "\n".join([text, *(f"{letter}. {name}" for letter, name in zip(LETTERS, TOPICS))])
    return multiple_choice(wanted, identity, instruction, text, TOPICS, TOPICS.index(topic), how)


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """Accuracy."""
    return accuracy(questions, answers, task.choices or "text")
