"""What is asked and what came back: the two records that everything else in evaluation is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Question:
    """One question of a benchmark in one language."""

    id: str  # the benchmark's own; the same in every language where the benchmark is parallel
    language: str  # of the question, FLORES-200 code
    instruction: str
    input: str = ""
    gold: tuple[str, ...] = ()  # acceptable answers or references; () where there are none (off-target questions)
    choices: tuple[str, ...] = ()  # candidates whose likelihood is compared; () means that an answer is generated
    right: int = -1  # index of the right choice
    letters: str = ""  # of the options, where one of them is to be generated
    answer_language: str = ""  # language that the answer should have; "" where it has none (letters, numbers)
    source: str = ""  # text that the answer translates (COMET reads it)
    plain: bool = False  # the instruction is the prompt itself: no template around it
    parts: tuple[float, ...] = ()  # what each choice's log-likelihood is divided by; () means by nothing

    def texts(self) -> tuple[str, ...]:
        """Everything in it that comes from a file."""
        return (self.id, self.instruction, self.input, self.source, *self.gold, *self.choices)


@dataclass(frozen=True)
class Answer:
    """What a model gave back for one question."""

    text: str = ""  # generated text, stripped; the chosen candidate where likelihoods were compared
    choice: int = -1  # index of the most likely choice
    scores: tuple[float, ...] = ()  # log-likelihood of each choice, nats
    lengths: tuple[int, ...] = ()  # tokens of each choice
    logprob: float | None = None  # mean log-probability of the generated tokens, nats
    tokens: int = 0  # generated tokens
    # "stop", "length" (cut at max_tokens), "choice", or "too_long" (the prompt did not fit, so it was not asked)
    finish: str = ""


ANSWERS = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("language", pa.string()),
        pa.field("instruction", pa.string()),
        pa.field("input", pa.string()),
        pa.field("gold", pa.list_(pa.string())),
        pa.field("choices", pa.list_(pa.string())),
        pa.field("right", pa.int32()),
        pa.field("letters", pa.string()),
        pa.field("answer_language", pa.string()),
        pa.field("source", pa.string()),
        pa.field("plain", pa.bool_()),
        pa.field("parts", pa.list_(pa.float64())),
        pa.field("text", pa.string()),
        pa.field("choice", pa.int32()),
        pa.field("scores", pa.list_(pa.float64())),
        pa.field("lengths", pa.list_(pa.int32())),
        pa.field("logprob", pa.float64()),
        pa.field("tokens", pa.int32()),
        pa.field("finish", pa.string()),
    ]
)
"""A question and its answer, as saved (`answers/<model>/<set>/<language>.arrow`): see the two classes above."""

_QUESTION = ANSWERS.names[: ANSWERS.names.index("text")]
_ANSWER = ANSWERS.names[ANSWERS.names.index("text") :]


def to_table(questions: Sequence[Question], answers: Sequence[Answer]) -> pa.Table:
    """ANSWERS rows."""
    rows = [
        {name: getattr(question, name) for name in _QUESTION} | {name: getattr(answer, name) for name in _ANSWER}
        for question, answer in zip(questions, answers, strict=True)
    ]
    return pa.Table.from_pylist(rows, ANSWERS)


def from_table(table: pa.Table) -> tuple[list[Question], list[Answer]]:
    """The inverse of `to_table`."""
    questions, answers = [], []
    for row in table.to_pylist():
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
        questions.append(Question(**{name: values[name] for name in _QUESTION}))
        answers.append(Answer(**{name: values[name] for name in _ANSWER}))
    return questions, answers
