"""A translator whose hypotheses a test writes down."""

from collections.abc import Callable

from polydistill.engine.translation.translator import SENTENCES, Hypothesis


class Each:
    """A `Translator` that changes every sentence in the same way, and remembers what it was asked.

    Args:
        change: sentence -> hypothesis, or its text.
    """

    portions = SENTENCES

    def __init__(self, change: Callable[[str], str | Hypothesis | None]) -> None:
        self.change = change
        self.asked: list[tuple[str, str, str]] = []

    def __call__(self, sentences: list[str], sources: list[str], targets: list[str]) -> list[Hypothesis]:
        self.asked += zip(sentences, sources, targets)
        made = map(self.change, sentences)
        return [hypothesis if isinstance(hypothesis, Hypothesis) else Hypothesis(hypothesis) for hypothesis in made]


identity = Each(lambda sentence: sentence)
