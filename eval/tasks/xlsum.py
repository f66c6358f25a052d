"""XL-Sum: one-sentence summaries of BBC articles in 45 languages (Hasan et al. 2021, arXiv 2106.13822).

File: `<language>_test.jsonl` with id, url, title, summary, text; the language is named in English, lower case
(`chinese_simplified`, `serbian_latin`, ...). Few-shot examples come from `<language>_val.jsonl`.

Metrics: F1 of ROUGE-1, ROUGE-2 and ROUGE-L, with words cut by the rules of the official multilingual scorer; see
`eval.scoring.rouge_words` for what is the same and what is not.
"""

from polydistill.eval.benchmark import ENGLISH, Sets, Wanted
from polydistill.eval.config import Task
from polydistill.eval.data.files import find, json_lines, names_of, text_of
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure, rouge

TITLE = "XL-Sum"
ABOUT = {"xlsum": "summaries"}
HEADLINE = ("rougeL",)
KIND = "NLG"
MAX_TOKENS = 128
STOP = ()
EXAMPLES = "val"
SENTENCES = True
INSTRUCTIONS = {
    ENGLISH: "Summarize the following text in one sentence.",
    "arb_Arab": "لخّص النص التالي في جملة واحدة.",
    "deu_Latn": "Fasse den folgenden Text in einem Satz zusammen.",
    "spa_Latn": "Resume el siguiente texto en una sola frase.",
    "fra_Latn": "Résume le texte suivant en une phrase.",
    "hin_Deva": "निम्नलिखित पाठ का सारांश एक वाक्य में लिखिए।",
    "ind_Latn": "Ringkaslah teks berikut dalam satu kalimat.",
    "jpn_Jpan": "次の文章を一文で要約してください。",
    "por_Latn": "Resuma o texto a seguir em uma frase.",
    "rus_Cyrl": "Кратко изложите следующий текст одним предложением.",
    "swh_Latn": "Fupisha maandishi yafuatayo katika sentensi moja.",
    "tha_Thai": "จงสรุปข้อความต่อไปนี้เป็นหนึ่งประโยค",
    "tur_Latn": "Aşağıdaki metni tek bir cümleyle özetleyin.",
    "vie_Latn": "Hãy tóm tắt đoạn văn sau trong một câu.",
    "zho_Hans": "请用一句话概括下面的文章。",
}
# Where XL-Sum's name is not simply the language's English name.
NAMES = {
    "zho_Hans": "chinese_simplified",
    "zho_Hant": "chinese_traditional",
    "arb_Arab": "arabic",
    "ben_Beng": "bengali",
    "srp_Cyrl": "serbian_cyrillic",
    "gla_Latn": "scottish_gaelic",
    "gaz_Latn": "oromo",
    "khm_Khmr": "khmer",
    "kir_Cyrl": "kyrgyz",
    "npi_Deva": "nepali",
    "pbt_Arab": "pashto",
    "pes_Arab": "persian",
    "sin_Sinh": "sinhala",
    "azj_Latn": "azerbaijani",
    "uzn_Latn": "uzbek",
    "run_Latn": "kirundi",
}


def questions(wanted: Wanted) -> Sets:
    """Questions of one language; see `eval.benchmark.Benchmark`."""
    language, split = wanted.language, wanted.split or "test"
    name = wanted.task.edition or NAMES.get(language, names_of(language)["name"])
    file = find(wanted.path, [f"{name}_{split}.jsonl", f"{language}_{split}.jsonl"], f"xlsum in {language}")
    instruction = wanted.instruction(INSTRUCTIONS)
    found = []
    for number, row in enumerate(json_lines(file)):
        where = f"{file}:{number + 1}"
        text, summary = text_of(row, "text", where), text_of(row, "summary", where)
        identity = str(row.get("id", number))
        found.append(Question(identity, language, instruction, text, (summary,), answer_language=language))
    return {"xlsum": found}


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """ROUGE-1, ROUGE-2, ROUGE-L."""
    texts, references = [answer.text for answer in answers], [question.gold[0] for question in questions]
    return rouge([question.id for question in questions], texts, references, questions[0].answer_language)
