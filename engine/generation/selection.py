"""Several answers to one prompt, and the choice of one of them."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from polydistill.engine.languages import get_language
from polydistill.eval.scoring.numbers import last_number
from polydistill.eval.scoring.overlap import squad_em

Select = Literal["first", "logprob", "agreement", "matches_truth", "quality"]
_MARKED = re.compile(r"####\s*(.+)\s*$|\\boxed\{([^{}]+)\}")
_LABEL_WORDS = 5
"""Maximum words of a truth that counts as a label or a span. The answer must end with it or equal it."""


@dataclass(frozen=True)
class Candidate:
    """One answer of the model."""

    text: str
    finish: str  # "stop", "length", "context" or "reasoning"; "error: ..." where there is no answer
    tokens: int  # generated tokens, reasoning included
    reasoning: str | None = None
    logprob: float | None = None  # mean log-probability of the generated tokens, nats
    reward: float | None = None  # by `student.reward`, where it is asked

    @property
    def usable(self) -> bool:
        """Whether this is a whole answer."""
        return self.finish == "stop" and bool(self.text)


def score(candidates: Sequence[Candidate], how: Select, truth: str, source: str) -> list[float | None]:
    """The score of each candidate; the highest is chosen, the first of equals. None: never to be chosen.

    first          whole answers 1, cut ones 0
    logprob        mean log-probability of the tokens (nats), whole answers only
    agreement      how many candidates end in the same result (self-consistency, Wang et al. 2023, section 2)
    matches_truth  1 where the evaluation's scorers find the truth, else None
    quality        the reward model's score, whole answers only

    Args:
        candidates: The answers to one prompt.
        how: The choice.
        truth: The answer that came with the data, "" where there is none.
        source: FLORES-200 code of the row's language.
    """
    if how == "logprob":
        return [c.logprob if c.usable else None for c in candidates]
    if how == "quality":
        return [c.reward if c.usable else None for c in candidates]
    if how == "agreement":
        results = [result_of(c.text) if c.usable else None for c in candidates]
        counts = Counter(result for result in results if result is not None)
        return [None if result is None else float(counts[result]) for result in results]
    if how == "matches_truth":
        return [1.0 if c.usable and matches(c.text, truth, source) else None for c in candidates]
    return [None if c.finish.startswith("error") else float(c.usable) for c in candidates]


def choose(scores: Sequence[float | None]) -> int | None:
    """Index of the highest score, the first of equals; None where there is none."""
    values = [-math.inf if value is None else value for value in scores]
    best = max(range(len(values)), key=values.__getitem__)
    return None if values[best] == -math.inf else best


def result_of(text: str) -> str:
    """What an answer comes to, comparable: its last number where it has one, else its words."""
    numbers = last_number(_final(text))
    return str(max(numbers).normalize()) if numbers else " ".join(text.casefold().split())


def matches(answer: str, truth: str, source: str = "eng_Latn") -> bool:
    """Whether an answer says what the truth says, by the evaluation's scorers.

    A truth with a number as its result (GSM8K's "#### 72", MGSM) is compared by the last number. A short one, a span
    or label, must be the answer, its last line, or what it ends with. Any other truth must be the answer.

    Args:
        answer: The model's answer.
        truth: The data's answer; "" matches nothing.
        source: FLORES-200 code of both.
    """
    if not truth.strip():
        return False
    wanted = _final(truth)
    numbers = last_number(wanted)
    if numbers and (wanted != truth or _is_number(wanted)):
        return bool(numbers & last_number(_final(answer)))
    language = get_language(source).iso1 or "en"
    lines = answer.strip().splitlines() or [""]
    forms = [answer, lines[-1], _final(answer)]
    if len(truth.split()) <= _LABEL_WORDS:
        forms.append(" ".join(lines[-1].split()[-len(truth.split()) :]))
    return any(squad_em(form, truth, language) == 1 for form in forms)


def _final(text: str) -> str:
    """What stands behind "####" or in \\boxed{}; the whole text where neither does."""
    found = list(_MARKED.finditer(text.strip()))
    return (found[-1][1] or found[-1][2]).strip() if found else text


def _is_number(text: str) -> bool:
    digits = re.sub(r"[^\w]", "", text)
    return bool(digits) and digits.isdecimal()
