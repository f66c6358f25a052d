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


@dataclass(frozen=True, slots=True)
class Portions:
    """What of a text a translator is given at once."""

    whole: int = 0  # lines of up to this many characters in one piece, longer ones sentence by sentence
    breaks: bool = False  # texts of up to that many characters in one piece, with their line breaks
    shown: frozenset[str] = frozenset()  # protected spans that it sees as they are, not as marks such as [1]


SENTENCES = Portions()
"""Sentence by sentence, as encoder-decoder models are trained."""


class Translator(Protocol):
    """Translates sentences. The result is a function of the three lists, in their order."""

    portions: Portions

    def __call__(self, sentences: list[str], sources: list[str], targets: list[str]) -> list[Hypothesis]:
        """Translate sentence i from language sources[i] into targets[i] (FLORES-200 codes).

        Raises:
            UserError: the model cannot address one of the languages.
        """
        ...


@dataclass(frozen=True)
class Part:
    """A translator and the fields of a row that it translates."""

    fields: tuple[str, ...]  # members of schema.FIELDS
    translator: Translator


def error(message: str) -> Hypothesis:
    """The hypothesis of a sentence that failed. Its note holds at most 200 characters of the message."""
    return Hypothesis(None, (f"{Note.ERROR}: {' '.join(message.split())[:200]}",))
