"""Benchmark files as the benchmarks publish them, and what answers to their questions get."""

import gzip
import json
from pathlib import Path
from typing import Any

from polydistill.eval.benchmark import Wanted, benchmark
from polydistill.eval.config import Task
from polydistill.eval.data.sets import questions_of
from polydistill.eval.question import Answer, Question


def load(path: Path, language: str = "deu_Latn", **settings: Any) -> dict[str, list[Question]]:
    return questions_of(wanted(path, language, **settings))


def wanted(path: Path, language: str = "deu_Latn", split: str = "", native: bool = False, **settings: Any) -> Wanted:
    return Wanted(Task(**settings), path, language, "eng_Latn", split, native)


def values(questions: list[Question], answers: list[Answer], **settings: Any) -> dict[str, float]:
    task = Task(**settings)
    return {measure.name: measure.value for measure in benchmark(task.task).score(questions, answers, task)}


def gold(question: Question) -> Answer:
    """What a stand-in that knows everything answers."""
    return Answer(question.gold[0] if question.gold else "", choice=question.right)


def jsonl(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


BELEBELE = {
    "link": "https://example.org/a",
    "question_number": 2,
    "flores_passage": "Der Hund schläft.",
    "question": "Wer schläft?",
    "mc_answer1": "die Katze",
    "mc_answer2": "der Hund",
    "mc_answer3": "der Mann",
    "mc_answer4": "niemand",
    "correct_answer_num": "2",
    "dialect": "deu_Latn",
}


SQUAD = {
    "data": [
        {
            "title": "t",
            "paragraphs": [
                {
                    "context": "Der Rhein fließt durch Köln.",
                    "qas": [
                        {"id": "q1", "question": "Was fließt?", "answers": [{"text": "Der Rhein", "answer_start": 0}]}
                    ],
                }
            ],
        }
    ],
    "version": "1.1",
}
