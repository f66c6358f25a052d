"""XL-Sum: one-sentence summaries of BBC articles in 45 languages (Hasan et al. 2021, arXiv 2106.13822).

File: `<language>_test.jsonl` with id, url, title, summary, text; the language is named in English, lower case
(`chinese_simplified`, `serbian_latin`, ...). Few-shot examples come from `<language>_val.jsonl`.

Metrics: F1 of ROUGE-1, ROUGE-2 and ROUGE-L, with words cut by the rules of the official multilingual scorer; see
`eval.scoring.rouge_words` for what is the same and what is not.
"""

from pathlib import Path

from polydistill.eval.config import Task
from polydistill.eval.data.files import find, json_lines, names_of
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure, rouge

MAX_TOKENS = 128
INSTRUCTION = "Summarise the following text in one sentence."
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


def load(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Questions of one language; see `eval.tasks`."""
    split = task.split or "test"
    name = NAMES.get(language, names_of(language)["name"])
    file = find(path, [f"{name}_{split}.jsonl", f"{language}_{split}.jsonl"], f"xlsum in {language}")
    instruction = task.said(language, INSTRUCTION)
    rows = json_lines(file, ("summary", "text"))
    return {
        "xlsum": [
            Question(
                str(row.get("id", number)),
                language,
                instruction,
                str(row["text"]),
                (str(row["summary"]),),
                answer_language=language,
            )
            for number, row in enumerate(rows)
        ]
    }


def examples(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Articles of the validation split."""
    return load(task.model_copy(update={"split": "val"}), path, language, source)


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """ROUGE-1, ROUGE-2, ROUGE-L."""
    if not questions:
        return []
    texts, references = [answer.text for answer in answers], [question.gold[0] for question in questions]
    return rouge([question.id for question in questions], texts, references, questions[0].answer_language)
