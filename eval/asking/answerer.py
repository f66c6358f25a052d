"""What answers questions: vLLM, or a stand-in with known answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from polydistill.engine.config import Student
from polydistill.eval.question import Answer, Question


@dataclass(frozen=True)
class Asked:
    """Questions that are asked in the same way."""

    questions: Sequence[Question]
    max_tokens: int  # of an answer
    shots: Sequence[Question] = ()  # solved examples that stand before each question
    stop: Sequence[str] = ()  # texts that end an answer


class Answerer(Protocol):
    """One model, ready to answer."""

    def __call__(self, asked: Asked, /) -> list[Answer]:
        """One answer for each question, in order."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


MakeAnswerer = Callable[[str, Student], Answerer]
"""Loads a model (folder or hub id) under the student's settings."""
