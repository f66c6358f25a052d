"""What a translator is: sentences in, one hypothesis for each out.

Anything that fits `Translator` can stand below the translation stage: an encoder-decoder model, the student itself.
"""

from dataclasses import dataclass
from typing import Protocol

from polydistill.engine.schema import Note


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A translation of one sentence, and what was noticed about it."""

    text: str | None  # null where the sentence failed; a note then says why
    notes: tuple[str, ...] = ()  # members of schema.Note, or `error(...)`
    others: "tuple[Hypothesis, ...]" = ()  # the next best ones, in order


class Translator(Protocol):
    """Translates sentences. The result is a function of the three lists, in their order."""

    whole: int
    """Lines of up to this many characters are given in one piece, longer ones sentence by sentence."""

    def __call__(self, sentences: list[str], sources: list[str], targets: list[str]) -> list[Hypothesis]:
        """Translate sentence i from language sources[i] into targets[i] (FLORES-200 codes).

        Raises:
            UserError: the model cannot address one of the languages.
        """
        ...


def error(message: str) -> Hypothesis:
    """The hypothesis of a sentence that failed. Its note holds at most 200 characters of the message."""
    return Hypothesis(None, (f"{Note.ERROR}: {' '.join(message.split())[:200]}",))
