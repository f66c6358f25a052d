"""What a benchmark is. Each is one file in `eval/tasks/`, found by its name: a new file is a new task.

The file opens with source, file format, prompt and metric, and holds what `Benchmark` names.
"""

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from polydistill.engine.errors import UserError
from polydistill.eval.question import Answer, Question

if TYPE_CHECKING:
    from polydistill.eval.config import Task
    from polydistill.eval.scoring.metrics import Measure

Sets = dict[str, list[Question]]
"""Set name -> questions. Most benchmarks have one set of their own name; flores has one for each direction."""


@dataclass(frozen=True)
class Wanted:
    """What a benchmark is asked for: its questions in one language."""

    task: "Task"
    path: Path  # the benchmark's folder, or a file of it
    language: str  # FLORES-200 code
    source: str  # the evaluation's source language
    split: str = ""  # "" is the test split
    native: bool = False  # whether instructions are in `language` where the benchmark has them, else in English

    def instruction(self, texts: Mapping[str, str], language: str = "") -> str:
        """The configured instruction, else the one of `texts` (language -> text, always with English)."""
        language = language or self.language
        own = self.task.instruction
        if isinstance(own, str):
            return own
        if own and language in own:
            return own[language]
        return texts.get(language, texts[ENGLISH]) if self.native else texts[ENGLISH]


ENGLISH = "eng_Latn"


class LacksLanguage(UserError):
    """The benchmark is there, but not in this language: it is skipped with a note."""


class Benchmark(Protocol):
    """One file of `eval/tasks/`."""

    @property
    def TITLE(self) -> str:
        """Name for people, e.g. "BELEBELE"."""

    @property
    def ABOUT(self) -> Mapping[str, str]:
        """Set name -> what it asks, e.g. {"belebele": "reading comprehension"}."""

    @property
    def HEADLINE(self) -> Sequence[str]:
        """Names of the metrics that stand in the summary table."""

    @property
    def KIND(self) -> str:
        """ "NLU" (understanding) or "NLG" (generation): which average it counts in; "" for none."""

    @property
    def MAX_TOKENS(self) -> int:
        """Maximum length of an answer unless the configuration says otherwise."""

    @property
    def STOP(self) -> Sequence[str]:
        """Texts that end a generated answer."""

    @property
    def EXAMPLES(self) -> str:
        """Split that few-shot examples come from; "" where the benchmark has none."""

    @property
    def SENTENCES(self) -> bool:
        """Whether answers are sentences, so that language ID can tell their language."""

    @property
    def INSTRUCTIONS(self) -> Mapping[str, str]:
        """Language -> instruction, always with English; {} where the question itself is the prompt."""

    def questions(self, wanted: Wanted) -> Sets:
        """The questions; {} where the benchmark cannot have the language (flores from English to English).

        Raises:
            LacksLanguage: the benchmark has no file for the language.
            UserError: a damaged file, or one of another format.
        """

    def score(self, questions: list[Question], answers: list[Answer], task: "Task") -> "list[Measure]":
        """The metrics of one set; `questions` is not empty."""


@functools.cache
def names() -> tuple[str, ...]:
    """Names of all benchmarks, sorted."""
    from polydistill.eval import tasks

    return tuple(sorted(module.name for module in pkgutil.iter_modules(tasks.__path__)))


def check_name(name: str) -> None:
    """Whether there is a benchmark of this name, without loading it.

    Raises:
        UserError: there is none; the message says which there are.
    """
    if name not in names():
        near = difflib.get_close_matches(name.lower(), names(), 1)
        guess = f" (did you mean {near[0]}?)" if near else ""
        raise UserError(f"no benchmark {name!r}{guess}. There are: {', '.join(names())}")


def benchmark(name: str) -> Benchmark:
    """The benchmark of a name.

    Raises:
        UserError: there is none.
    """
    check_name(name)
    return cast(Benchmark, importlib.import_module(f"polydistill.eval.tasks.{name}"))
