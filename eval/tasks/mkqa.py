"""MKQA: 10,000 open questions in 26 languages (Longpre et al. 2021, arXiv 2007.15207).

File: `mkqa.jsonl[.gz]`, one object per question with example_id, `queries` {language: text} and `answers`
{language: [{type, entity, text, aliases}]}. A null text means that the question has no answer.

Metrics, by the rules of the official mkqa_eval.py (see `eval.scoring.overlap` for the text rules):
  f1, em       questions with an answer only, as SDRRL reports them ("questions without gold skipped")
  f1_all       all questions at the default threshold; "" is right where there is no answer
  f1_tuned     all questions at the no-answer threshold that maximizes F1, the official script's best_f1 (see `tuned`).
               Our no-answer score is one minus the geometric mean probability of the answer's tokens.
"""

import numpy as np

from polydistill.engine.languages import get_language
from polydistill.eval.benchmark import ENGLISH, LacksLanguage, Sets, Wanted
from polydistill.eval.config import Task
from polydistill.eval.data.files import checked, find, json_lines, objects_in, text_of
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure, mean
from polydistill.eval.scoring.overlap import best, mkqa_em, mkqa_f1

TITLE = "MKQA"
ABOUT = {"mkqa": "open questions"}
HEADLINE = ("f1",)
KIND = "NLG"
MAX_TOKENS = 32
STOP = ("\n",)
EXAMPLES = ""
SENTENCES = False
INSTRUCTIONS: dict[str, str] = {}  # the question is the prompt
KEYS = {
    "zho_Hans": "zh_cn",
    "zho_Hant": "zh_tw",
    "yue_Hant": "zh_hk",
    "nob_Latn": "no",
    "nno_Latn": "no",
    "zsm_Latn": "ms",
}
# Gold "yes" and "no" are English in every language; an answer in its own language is as right.
YES_NO = {
    "yes": {
        "ar": ["نعم"], "da": ["ja"], "de": ["ja"], "es": ["sí", "si"], "fi": ["kyllä"], "fr": ["oui"], "he": ["כן"],
        "hu": ["igen"], "it": ["sì", "si"], "ja": ["はい"], "km": ["បាទ", "ចាស", "មែន"], "ko": ["예", "네"],
        "ms": ["ya"], "nl": ["ja"], "no": ["ja"], "pl": ["tak"], "pt": ["sim"], "ru": ["да"], "sv": ["ja"],
        "th": ["ใช่"], "tr": ["evet"], "vi": ["có", "vâng"], "zh_cn": ["是", "是的"], "zh_hk": ["是", "是的"],
        "zh_tw": ["是", "是的"],
    },
    "no": {
        "ar": ["لا"], "da": ["nej"], "de": ["nein"], "es": ["no"], "fi": ["ei"], "fr": ["non"], "he": ["לא"],
        "hu": ["nem"], "it": ["no"], "ja": ["いいえ"], "km": ["ទេ"], "ko": ["아니요", "아니오"], "ms": ["tidak"],
        "nl": ["nee"], "no": ["nei"], "pl": ["nie"], "pt": ["não"], "ru": ["нет"], "sv": ["nej"], "th": ["ไม่ใช่", "ไม่"],
        "tr": ["hayır"], "vi": ["không"], "zh_cn": ["不", "不是"], "zh_hk": ["不", "不是"], "zh_tw": ["不", "不是"],
    },
}  # fmt: skip


def key(language: str) -> str:
    """MKQA's own code of a language."""
    return KEYS.get(language, get_language(language).locale)


def questions(wanted: Wanted) -> Sets:
    """Questions of one language; see `eval.benchmark.Benchmark`."""
    file = wanted.path if wanted.path.is_file() else find(wanted.path, ["mkqa.jsonl"], "mkqa")
    language, code = wanted.language, key(wanted.language)
    found = []
    for row in json_lines(file, ("example_id", "queries", "answers")):
        where = f"{file}, example_id {row['example_id']}"
        queries = checked(row["queries"], (), where)
        if code not in queries:
            continue
        gold: list[str] = []
        for answer in objects_in(checked(row["answers"], (code,), where), code, where):
            text = "" if answer["text"] is None else text_of(answer, "text", where)
            words = YES_NO.get(text, {}).get(code, []) if answer.get("type") == "binary" else []
            aliases = answer.get("aliases", [])
            gold += [text, *(map(str, aliases) if isinstance(aliases, list) else ()), *words]
        asked = text_of(queries, code, where)
        instruction, shown = (wanted.instruction({ENGLISH: ""}), asked) if wanted.task.instruction else (asked, "")
        unique = tuple(dict.fromkeys(gold))
        found.append(Question(str(row["example_id"]), language, instruction, shown, unique))
    if not found:
        raise LacksLanguage(f"{file}: no question has the language {code!r}")
    return {"mkqa": found}


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """F1 and exact match of answerable questions, and the official F1 over all of them."""
    ids = [question.id for question in questions]
    texts = [answer.text for answer in answers]
    code = key(questions[0].language) if questions else ""
    f1 = [best(mkqa_f1, text, question.gold, code) for text, question in zip(texts, questions)]
    em = [best(mkqa_em, text, question.gold, code) for text, question in zip(texts, questions)]
    known = [question.gold != ("",) for question in questions]
    asked = [index for index, has in enumerate(known) if has]
    signature = f"mkqa:{code}"
    measures = [
        mean("f1", [ids[i] for i in asked], [f1[i] for i in asked], f"{signature}|answerable"),
        mean("em", [ids[i] for i in asked], [em[i] for i in asked], f"{signature}|answerable"),
    ]
    if all(known):
        return measures
    doubt = [1 - float(np.exp(answer.logprob)) if answer.logprob is not None else 0.0 for answer in answers]
    threshold = tuned(f1, doubt, known, texts)
    # An answer to a question without one is wrong here even if nothing but an article remains of it, as officially.
    answered = [f1[i] if known[i] else float(not texts[i]) for i in range(len(f1))]
    final = [score if d <= threshold else float(not has) for score, d, has in zip(answered, doubt, known)]
    return [
        *measures,
        mean("f1_all", ids, f1, f"{signature}|threshold:default"),
        mean("f1_tuned", ids, final, f"{signature}|threshold:{threshold:.3f}"),
    ]


def tuned(f1: list[float], doubt: list[float], known: list[bool], texts: list[str]) -> float:
    """The threshold on `doubt` that maximizes F1: answers in more doubt count as "no answer".

    Starts where everything is "no answer" and lets answers in by rising doubt: an answerable question adds its F1,
    one without an answer costs 1 unless nothing was answered. The first maximum wins; 0 where none beats the start.
    Questions of equal doubt come in together, as one threshold must treat them alike. The official script also
    considers stops between them, so its best_f1 is higher where scores tie.
    """
    current = top = float(sum(not has for has in known))
    threshold = 0.0
    order = sorted(range(len(f1)), key=lambda i: doubt[i])
    for index, following in zip(order, [*order[1:], None]):
        current += f1[index] if known[index] else -float(bool(texts[index]))
        if current > top and (following is None or doubt[following] > doubt[index]):
            top, threshold = current, doubt[index]
    return threshold
