"""Asking a model its units, part by part; every part is kept as soon as it is answered."""

from collections.abc import Iterator
from dataclasses import dataclass

from polydistill.engine.config import Student
from polydistill.engine.storage.shards import Folder
from polydistill.eval.asking.answer_files import AnswerFolder
from polydistill.eval.asking.answerer import Answerer, Asked, MakeAnswerer
from polydistill.eval.data.sets import Set
from polydistill.eval.question import Answer

PART = 2048
"""Questions asked and kept together: twice what vLLM has under way at once on a large GPU."""


@dataclass(frozen=True)
class Job:
    """Units of one model that one engine answers."""

    model: str  # name
    path: str
    units: tuple[tuple[Set, str], ...]  # each with its fingerprint

    @property
    def questions(self) -> int:
        """Number of questions."""
        return sum(len(entry.questions) for entry, _ in self.units)


@dataclass(frozen=True)
class Done:
    """Answers that are on disk now."""

    model: str
    set: str
    language: str
    part: int
    answers: int


def ask(job: Job, student: Student, out: Folder, make: MakeAnswerer, part: int = PART) -> Iterator[Done]:
    """Answer a job's units that are not on disk yet; the model is loaded when the first of them is met.

    Yields:
        What is done, part by part, also where it was done before.
    """
    kept = AnswerFolder.of(out, job.model)
    model: Answerer | None = None
    try:
        for entry, fingerprint in job.units:
            key, answers = (entry.name, entry.language), list[Answer]()
            whole = kept.read(key, fingerprint)
            if whole is not None:
                yield Done(job.model, *key, 0, len(whole))
                continue
            starts = range(0, max(1, len(entry.questions)), part)
            for number, start in enumerate(starts):
                questions = entry.questions[start : start + part]
                found = kept.read(key, fingerprint, number) if len(starts) > 1 else None
                if found is None:
                    model = model or make(job.path, student)
                    found = model(Asked(questions, entry.max_tokens, entry.shots, entry.stop))
                    if len(starts) > 1:
                        kept.write(key, questions, found, fingerprint, number)
                answers += found
                yield Done(job.model, *key, number, len(found))
            kept.write(key, entry.questions, answers, fingerprint)
    finally:
        if model is not None:
            model.close()
