"""What a translator is: sentences in, one hypothesis for each out.

Anything that fits `Translator` can stand below the translation stage: an encoder-decoder model, the student itself.
"""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from polydistill.engine.schema import Note


@dataclass(frozen=True, slots=True)
class TokenCount:
    """What a model read and wrote."""

    read: int = 0
    written: int = 0

    def __add__(self, other: "TokenCount") -> "TokenCount":
        return TokenCount(self.read + other.read, self.written + other.written)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A translation of one sentence, and what was noticed about it."""

    text: str | None  # null where the sentence failed; a note then says why
    notes: tuple[str, ...] = ()  # members of schema.Note, or `error(...)`
    others: "tuple[Hypothesis, ...]" = ()  # the next best ones, in order
    tokens: TokenCount = field(default=TokenCount(), compare=False)  # of the call that made it


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


class Metered:
    """A translator that counts the tokens of each target language until `drain` is called."""

    def __init__(self, translator: Translator) -> None:
        """Wrap a translator."""
        self._translator, self._used, self.portions = translator, dict[str, TokenCount](), translator.portions

    def __call__(self, sentences: list[str], sources: list[str], targets: list[str]) -> list[Hypothesis]:
        """See `Translator`."""
        made = self._translator(sentences, sources, targets)
        for target, hypothesis in zip(targets, made):
            self._used[target] = self._used.get(target, TokenCount()) + hypothesis.tokens
        return made

    def drain(self) -> dict[str, TokenCount]:
        """The tokens since the last call, by target language."""
        used, self._used = self._used, {}
        return used


@runtime_checkable
class Counting(Protocol):
    """What counts its models' tokens, as `Metered` does."""

    def drain(self) -> dict[str, TokenCount]:
        """See `Metered`."""
        ...


def drained(stage: object) -> dict[str, TokenCount]:
    """The tokens that a stage has counted since the last call; {} for one that does not count."""
    return stage.drain() if isinstance(stage, Counting) else {}


@dataclass(frozen=True)
class Part:
    """A translator and the fields of a row that it translates."""

    fields: tuple[str, ...]  # members of schema.FIELDS
    translator: Translator


def error(message: str) -> Hypothesis:
    """The hypothesis of a sentence that failed. Its note holds at most 200 characters of the message."""
    return Hypothesis(None, (f"{Note.ERROR}: {' '.join(message.split())[:200]}",))
