"""What the benchmarks in SQuAD's shape share: questions whose answer is a span of a passage."""

from collections.abc import Sequence
from typing import Any

from polydistill.engine.languages import get_language
from polydistill.eval.data.files import checked
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure, mean
from polydistill.eval.scoring.overlap import best, mlqa_em, mlqa_f1, squad_em, squad_f1

RULES = {"squad": ("", squad_f1, squad_em), "mlqa": ("_language", mlqa_f1, mlqa_em)}


def answers_in(data: dict[str, Any], file: str, language: str, answers: str, instruction: str) -> list[Question]:
    """Questions (in `language`) of a file in SQuAD 1.1's shape, answered in the passage's language `answers`."""
    questions = []
    for article in data["data"]:
        for paragraph in checked(article, ("paragraphs",), file)["paragraphs"]:
            checked(paragraph, ("context", "qas"), file)
            for row in paragraph["qas"]:
                checked(row, ("id", "question", "answers"), f"{file}, question {row.get('id')}")
                gold = tuple(dict.fromkeys(str(answer["text"]) for answer in row["answers"]))
                shown = f"{paragraph['context']}\n\n{row['question']}"
                questions.append(Question(str(row["id"]), language, instruction, shown, gold, answer_language=answers))
    return questions


def span_measures(questions: Sequence[Question], answers: Sequence[Answer], rules: Sequence[str]) -> list[Measure]:
    """F1 and exact match by each of `rules`; the first gives the plain names."""
    measures = []
    ids = [question.id for question in questions]
    pairs = list(zip(questions, answers))
    for index, rule in enumerate(rules):
        _, f1, em = RULES[rule]
        suffix = "" if index == 0 else "_language"
        for name, metric in (("f1", f1), ("em", em)):
            codes = [get_language(question.answer_language).locale for question, _ in pairs]
            scores = [best(metric, a.text, q.gold, code) for (q, a), code in zip(pairs, codes)]
            measures.append(mean(name + suffix, ids, scores, f"rules:{rule}"))
    return measures
