"""Which questions are asked: every benchmark in every language, with its solved examples."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from polydistill.engine import seeds
from polydistill.engine.errors import UserError
from polydistill.eval.benchmark import LacksLanguage, Sets, Wanted, benchmark
from polydistill.eval.config import Eval, Task
from polydistill.eval.data.files import local
from polydistill.eval.question import Question

LONGEST = 1000
"""Maximum length of a message about a file, characters."""


@dataclass(frozen=True)
class Set:
    """The questions of one task in one language: what a unit asks."""

    name: str  # the task's name; flores has flores_into and flores_from
    language: str
    task: Task
    questions: list[Question]
    shots: list[Question]

    @property
    def max_tokens(self) -> int:
        """Maximum length of an answer, in tokens."""
        return self.task.max_tokens or benchmark(self.task.task).MAX_TOKENS

    @property
    def stop(self) -> tuple[str, ...]:
        """Texts that end a generated answer."""
        return tuple(benchmark(self.task.task).STOP)

    @property
    def side(self) -> str:
        """The language that the set tells about: the answers', else the questions'."""
        return (self.questions[0].answer_language if self.questions else "") or self.language


@dataclass(frozen=True)
class Questions:
    """Everything that an evaluation asks."""

    sets: list[Set]
    notes: list[str] = field(default_factory=list)  # what is left out or asked otherwise than wanted, one sentence each


def load_questions(config: Eval) -> Questions:
    """All questions, in the order of the configuration.

    A language that a benchmark lacks is left out with a note.

    Raises:
        UserError: missing or damaged files; a benchmark that has none of the languages; a set that is there twice.
    """
    found = Questions([])
    for task in config.tasks:
        lacking: list[LacksLanguage] = []
        languages = task.languages or config.languages
        for language in languages:
            try:
                found.sets.extend(_sets_of(task, config, language))
            except LacksLanguage as error:
                lacking.append(error)
                found.notes.append(f"{task.task} was not asked in {language}: {error}")
            else:
                found.notes.extend(_prompt_note(task, config, language))
        if lacking and len(lacking) == len(languages):
            raise UserError(f"{task.task} has none of the languages {', '.join(languages)}: {lacking[0]}")
    keys = [(entry.name, entry.language) for entry in found.sets]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise UserError(
            f"eval.tasks: {twice[0]} in {twice[1]} is there twice. Evaluate the second with another --out folder"
        )
    return found


def _sets_of(task: Task, config: Eval, language: str) -> Iterator[Set]:
    wanted = Wanted(task, local(config.path(task)), language, config.source, task.split or "", config.native(task))
    for name, questions in questions_of(wanted).items():
        yield Set(name, language, task, questions[: task.limit], _shots(wanted, config, name))


def _prompt_note(task: Task, config: Eval, language: str) -> Iterator[str]:
    written = benchmark(task.task).INSTRUCTIONS
    if config.native(task) and written and not task.instruction and language not in written:
        yield f"{task.task} has no instruction in {language}: it was asked in English"


def questions_of(wanted: Wanted) -> Sets:
    """What a benchmark gives, checked: whatever is wrong with a file becomes one sentence that names it.

    Raises:
        LacksLanguage: the benchmark has no file for the language.
        UserError: a damaged file, or one of another format.
    """
    name = wanted.task.task
    try:
        found = benchmark(name).questions(wanted)
        for questions in found.values():
            for question in questions:
                "".join(question.texts()).encode()
        return found
    except UserError as error:
        if len(str(error)) > LONGEST:  # it quotes a value of a damaged file
            raise type(error)(f"{str(error)[:LONGEST]} ...") from error
        raise
    except UnicodeEncodeError as error:
        raise UserError(
            f"{wanted.path}: {name} in {wanted.language} has half a character "
            f"({error.object[error.start : error.end]!r}). Correct the file"
        ) from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
        raise UserError(
            f"{wanted.path}: not in the format of {name} ({type(error).__name__}: {str(error)[:LONGEST]}). "
            f"What is expected stands in eval/tasks/{name}.py"
        ) from error


def _shots(wanted: Wanted, config: Eval, name: str) -> list[Question]:
    """Solved examples, the same for every question of the set; chosen by the seed."""
    task = wanted.task
    if not task.shots:
        return []
    split = benchmark(task.task).EXAMPLES
    if not task.examples and not split:
        raise UserError(f"{task.task} has no examples of its own: name a file in the same format as its `examples`")
    path = local(task.examples) if task.examples else wanted.path
    asked = Wanted(
        task, Path(path), wanted.language, wanted.source, (task.split or "") if task.examples else split, wanted.native
    )
    pool = [question for question in questions_of(asked)[name] if question.gold]
    if len(pool) < task.shots:
        raise UserError(f"{name} in {wanted.language}: {task.shots} shots wanted, {len(pool)} examples found")
    keys = [hashlib.blake2b(question.id.encode(), digest_size=8).hexdigest() for question in pool]
    order = seeds.uniform(config.seed, keys, "shots").argsort(kind="stable")
    return [pool[index] for index in order[: task.shots]]
