"""BELEBELE: four-way reading comprehension in 122 language variants (Bandarkar et al. 2023, arXiv 2308.16884).

File: `<code>.jsonl`, one object per question with flores_passage, question, mc_answer1..4, correct_answer_num
("1".."4"), link and question_number (together the id, shared by all languages). 900 questions each; all are test,
so few-shot examples need a file of their own (`examples`).

Metric: accuracy. Three ways to ask, three different numbers:
  letter    the passage, question and lettered answers are shown, the likelihoods of A, B, C, D are compared
            (as lm-evaluation-harness does; needs a model that understands letters). One prompt pass.
  text      passage and question are shown, the likelihoods of the answers' texts are compared, divided by their
            length in characters (`accuracy_norm`), or as they are (`accuracy`). Suits small models.
  generate  as letter, but the answer is generated and its first letter is read (the paper's zero-shot setting);
            an answer without a letter is wrong.
"""

from polydistill.engine.errors import UserError
from polydistill.eval.benchmark import ENGLISH, Sets, Wanted
from polydistill.eval.config import Task
from polydistill.eval.data.choices import LETTERS, accuracy, multiple_choice
from polydistill.eval.data.files import find, json_lines, text_of
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

TITLE = "BELEBELE"
ABOUT = {"belebele": "reading comprehension"}
HEADLINE = ("accuracy",)
KIND = "NLU"
MAX_TOKENS = 8
STOP = ("\n",)
EXAMPLES = ""
SENTENCES = False
INSTRUCTIONS = {
    ENGLISH: "Read the passage and answer the question with the letter of the correct answer: A, B, C or D.",
    "deu_Latn": "Lies den Text und beantworte die Frage mit dem Buchstaben der richtigen Antwort: A, B, C oder D.",
    "spa_Latn": "Lee el texto y responde a la pregunta con la letra de la respuesta correcta: A, B, C o D.",
    "fra_Latn": "Lis le texte et réponds à la question par la lettre de la bonne réponse : A, B, C ou D.",
    "ind_Latn": "Bacalah teks lalu jawablah pertanyaan dengan huruf jawaban yang benar: A, B, C, atau D.",
    "jpn_Jpan": "文章を読み、質問の正しい答えをA、B、C、Dの記号で答えてください。",
    "rus_Cyrl": "Прочитайте текст и укажите букву правильного ответа на вопрос: A, B, C или D.",
    "swh_Latn": "Soma kifungu kisha jibu swali kwa herufi ya jibu sahihi: A, B, C au D.",
    "tha_Thai": "จงอ่านบทความแล้วตอบคำถามด้วยตัวอักษรของคำตอบที่ถูกต้อง: A, B, C หรือ D",
    "zho_Hans": "请阅读短文，并用正确答案的字母（A、B、C或D）回答问题。",
}
FIELDS = ("flores_passage", "question", "mc_answer1", "mc_answer2", "mc_answer3", "mc_answer4", "correct_answer_num")


def questions(wanted: Wanted) -> Sets:
    """Questions of one language; see `eval.benchmark.Benchmark`."""
    task, file = wanted.task, find(wanted.path, [f"{wanted.language}.jsonl"], f"belebele in {wanted.language}")
    found = []
    for number, row in enumerate(json_lines(file, FIELDS), 1):
        where = f"{file}:{number}"
        passage, question, key = (text_of(row, name, where) for name in (FIELDS[0], FIELDS[1], FIELDS[-1]))
        if key not in ("1", "2", "3", "4"):
            raise UserError(f"{where}: correct_answer_num is {key!r}, expected 1, 2, 3 or 4")
        answers = tuple(text_of(row, name, where) for name in FIELDS[2:6])
        identity = f"{row.get('link', number)}#{row.get('question_number', 0)}"
        how = task.choices or "letter"
        if how == "text":
            instruction, shown = wanted.instruction({ENGLISH: question}), passage
        else:
            listed = "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, answers))
            instruction = wanted.instruction(INSTRUCTIONS)
            shown = f"{passage}\n\n{question}\n{listed}"
        found.append(multiple_choice(wanted, identity, instruction, shown, answers, int(key) - 1, how))
    return {"belebele": found}


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """Accuracy."""
    return accuracy(questions, answers, task.choices or "letter")
