"""What answers questions: vLLM, or a stand-in with known answers."""

from collections.abc import Callable, Sequence
from typing import Protocol

from polydistill.engine.config import Student
from polydistill.eval.question import Answer, Question

Advance = Callable[[int], None]


class Answerer(Protocol):
    """One model, ready to answer."""

    def __call__(
        self,
        questions: Sequence[Question],
        shots: Sequence[Question],
        max_tokens: int,
        stop: Sequence[str],
        advance: Advance,
    ) -> list[Answer]:
        """One answer for each question, in order.

        Args:
            questions: what is asked.
            shots: solved examples that stand before each question.
            max_tokens: maximum length of an answer.
            stop: texts that end an answer.
            advance: called with the number of further answers that are done.
        """
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


MakeAnswerer = Callable[[str, Student], Answerer]
"""Loads a model (folder or hub id) under the student's settings."""
