"""MKQA: 10,000 open questions in 26 languages (Longpre et al. 2021, arXiv 2007.15207).

File: `mkqa.jsonl[.gz]`, one object per question with example_id, `queries` {language: text} and `answers`
{language: [{type, entity, text, aliases}]}. A null text means that the question has no answer.

Metrics, by the rules of the official mkqa_eval.py (see `eval.scoring.overlap` for the text rules):
  f1, em       questions with an answer only, as SDRRL reports them ("questions without gold skipped")
  f1_all       all questions at the default threshold; "" is right where there is no answer
  f1_tuned     all questions at the no-answer threshold that maximises F1, which the official script reports as best_f1.
               Our no-answer score is one minus the geometric mean probability of the answer's tokens.
"""

from pathlib import Path

import numpy as np

from polydistill.engine.languages import get_language
from polydistill.eval.config import Task
from polydistill.eval.data.files import find, json_lines
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure, mean
from polydistill.eval.scoring.overlap import best, mkqa_em, mkqa_f1

MAX_TOKENS = 32
KEYS = {"zho_Hans": "zh_cn", "zho_Hant": "zh_tw", "yue_Hant": "zh_hk", "nob_Latn": "no", "zsm_Latn": "ms"}


def key(language: str) -> str:
    """MKQA's own code of a language."""
    return KEYS.get(language, get_language(language).locale)


def load(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Questions of one language; see `eval.tasks`. {} where the file has none in it."""
    file = find(path, ["mkqa.jsonl"], "mkqa") if path.is_dir() else path
    code = key(language)
    questions = []
    for row in json_lines(file, ("example_id", "queries", "answers")):
        if code not in row["queries"]:
            continue
        gold: list[str] = []
        for answer in row["answers"][code]:
            gold += [answer["text"] or "", *answer.get("aliases", [])]
        text = str(row["queries"][code])
        instruction, shown = (task.said(language, ""), text) if task.instruction else (text, "")
        unique = tuple(dict.fromkeys(gold))
        questions.append(Question(str(row["example_id"]), language, instruction, shown, unique))
    return {"mkqa": questions} if questions else {}


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
    final = [score if d <= threshold else float(not has) for score, d, has in zip(f1, doubt, known)]
    return [
        *measures,
        mean("f1_all", ids, f1, f"{signature}|threshold:default"),
        mean("f1_tuned", ids, final, f"{signature}|threshold:{threshold:.3f}"),
    ]


def tuned(f1: list[float], doubt: list[float], known: list[bool], texts: list[str]) -> float:
    """The threshold on `doubt` that maximises F1: answers in more doubt count as "no answer".

    Starts where everything is "no answer" and lets answers in by rising doubt: an answerable question adds its F1,
    one without an answer costs 1 unless nothing was answered. The first maximum wins; 0 where none beats the start.
    """
    current = top = float(sum(not has for has in known))
    threshold = 0.0
    for index in sorted(range(len(f1)), key=lambda i: doubt[i]):
        current += f1[index] if known[index] else -float(bool(texts[index]))
        if current > top:
            top, threshold = current, doubt[index]
    return threshold
