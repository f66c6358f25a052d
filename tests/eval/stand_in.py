"""Stand-ins for models, which answer with the gold, with nothing, or with a coin; and an evaluation of them."""

from pathlib import Path
from typing import Any, ClassVar

from polydistill.engine.config import Student
from polydistill.eval.asking.answerer import Asked
from polydistill.eval.config import Eval
from polydistill.eval.question import Answer, Question
from polydistill.eval.run import evaluate
from polydistill.eval.scores import ScoresRecord

TARGETS = {"deu_Latn": "Hund", "jpn_Jpan": "犬"}
STUDENT = Student(model="unused", prompt="raw")


class StandIn:
    """Answers without a model; the "model" path says how."""

    asked: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, path: str, student: Student) -> None:
        self.how = Path(path).name

    def __call__(self, asked: Asked, /) -> list[Answer]:
        StandIn.asked += [(self.how, question.language) for question in asked.questions[:1]]
        return [self.answer(question, number) for number, question in enumerate(asked.questions)]

    def answer(self, question: Question, number: int) -> Answer:
        right = {"gold": True, "half": number % 2 == 0, "third": number % 3 == 0, "most": number != 5}.get(self.how)
        if not right:
            return Answer(finish="length")
        return Answer(question.gold[0], choice=question.right, tokens=5, finish="stop")

    def close(self) -> None:
        """Holds nothing."""


def config(world: Path, **changes: object) -> Eval:
    tasks = [{"task": "belebele"}, {"task": "flores", "bleu_tokenizer": "language"}]
    values = {"tasks": tasks, "data": str(world / "data"), "targets": list(TARGETS), "resamples": 100} | changes
    return Eval.model_validate(values)


def record(*arguments: Any, **settings: Any) -> ScoresRecord:
    return evaluate(*arguments, **settings).record


def models(world: Path, *names: str) -> dict[str, str]:
    return {name: str(world / "models" / name.split("/")[0]) for name in names}
