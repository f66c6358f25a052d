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
from polydistill.eval.benchmark import ENGLISH, LacksLanguage, Sets, Wanted
from polydistill.eval.config import Task
from polydistill.eval.data.choices import accuracy, multiple_choice
from polydistill.eval.data.files import find, tsv
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

TITLE = "XNLI"
ABOUT = {"xnli": "entailment"}
HEADLINE = ("accuracy",)
KIND = "NLU"
MAX_TOKENS = 8
STOP = ("\n",)
EXAMPLES = "dev"
SENTENCES = False
LABELS = ("entailment", "neutral", "contradiction")
# For lettered questions; by likelihood the words below, which are the language's own, are all that is said.
INSTRUCTIONS = {
    ENGLISH: "Does the first sentence imply the second? Answer with a letter: A (yes, it does), B (it may or may not) "
    "or C (no, it contradicts it).",
    "arb_Arab": "هل تستلزم الجملة الأولى الجملة الثانية؟ أجب بحرف: A (نعم)، أو B (ربما)، أو C (لا، بل تناقضها).",
    "bul_Cyrl": "Следва ли второто изречение от първото? Отговорете с буква: A (да), B (може би) или C (не, "
    "противоречи му).",
    "deu_Latn": "Folgt der zweite Satz aus dem ersten? Antworte mit einem Buchstaben: A (ja), B (vielleicht) oder C "
    "(nein, er widerspricht ihm).",
    "ell_Grek": "Προκύπτει η δεύτερη πρόταση από την πρώτη; Απάντησε με ένα γράμμα: A (ναι), B (ίσως) ή C (όχι, την "
    "αντικρούει).",
    "spa_Latn": "¿Se deduce la segunda oración de la primera? Responde con una letra: A (sí), B (quizás) o C (no, la "
    "contradice).",
    "fra_Latn": "La seconde phrase découle-t-elle de la première ? Réponds par une lettre : A (oui), B (peut-être) ou "
    "C (non, elle la contredit).",
    "hin_Deva": "क्या दूसरा वाक्य पहले वाक्य से निकलता है? एक अक्षर में उत्तर दीजिए: A (हाँ), B (शायद) या C (नहीं, वह "
    "उसके विपरीत है)।",
    "rus_Cyrl": "Следует ли второе предложение из первого? Ответьте буквой: A (да), B (возможно) или C (нет, оно ему "
    "противоречит).",
    "swh_Latn": "Je, sentensi ya pili inatokana na ya kwanza? Jibu kwa herufi: A (ndiyo), B (labda) au C (hapana, "
    "inaipinga).",
    "tha_Thai": "ประโยคที่สองเป็นจริงตามประโยคแรกหรือไม่ ตอบด้วยตัวอักษร: A (ใช่) B (อาจจะ) หรือ C (ไม่ ขัดแย้งกัน)",
    "tur_Latn": "İkinci cümle birinciden çıkarılabilir mi? Bir harfle yanıtlayın: A (evet), B (belki) veya C (hayır, "
    "onunla çelişiyor).",
    "urd_Arab": "کیا دوسرا جملہ پہلے جملے سے نکلتا ہے؟ ایک حرف میں جواب دیں: A (ہاں)، B (شاید) یا C (نہیں، وہ اس کے "
    "خلاف ہے)۔",
    "vie_Latn": "Câu thứ hai có suy ra được từ câu thứ nhất không? Hãy trả lời bằng một chữ cái: A (có), B (có thể) "
    "hoặc C (không, hai câu mâu thuẫn nhau).",
    "zho_Hans": "能否由第一句话推出第二句话？请用一个字母回答：A（能）、B（不一定）或C（不能，两句话矛盾）。",
}
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


def questions(wanted: Wanted) -> Sets:
    """Questions of one language; see `eval.benchmark.Benchmark`."""
    path, split, iso = wanted.path, wanted.split or "test", get_language(wanted.language).iso1
    file = path if path.is_file() else find(path, [f"xnli.{split}.tsv"], "xnli")
    head, *rows = tsv(file, 8)
    try:
        where = {name: head.index(name) for name in ("language", "gold_label", "sentence1", "sentence2", "pairID")}
    except ValueError as error:
        raise UserError(f"{file}:1: {error} (the header of XNLI-1.0 is expected)") from error
    picked = [row for row in rows if row[where["language"]] == iso]
    if not picked:
        raise LacksLanguage(f"{file}: no row in language {iso!r}")
    return {"xnli": [_question(wanted, file, {k: row[i] for k, i in where.items()}) for row in picked]}


def _question(wanted: Wanted, file: Path, row: dict[str, str]) -> Question:
    if row["gold_label"] not in LABELS:
        raise UserError(
            f"{file}, pairID {row['pairID']}: gold_label {row['gold_label']!r}, expected one of {', '.join(LABELS)}"
        )
    right, how = LABELS.index(row["gold_label"]), wanted.task.choices or "text"
    premise, hypothesis = row["sentence1"].strip(), row["sentence2"].strip()
    identity = row["pairID"]
    if how != "text":
        shown = f"{premise}\n{hypothesis}"
        instruction = wanted.instruction(INSTRUCTIONS)
        return multiple_choice(wanted, identity, instruction, shown, LABELS, right, how)
    word, *answers = WORDS.get(get_language(wanted.language).iso1, WORDS["en"])
    choices = tuple(f" {answer}, {hypothesis}" for answer in answers)
    return multiple_choice(wanted, identity, f"{premise}, {word}?", "", choices, right, how, plain=True)


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """Accuracy."""
    return accuracy(questions, answers, task.choices or "text")
