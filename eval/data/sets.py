"""Which questions are asked: every task in every language, with its solved examples."""

import hashlib
from dataclasses import dataclass

from polydistill.engine import seeds
from polydistill.engine.errors import UserError
from polydistill.eval.config import Eval, Task
from polydistill.eval.data.files import local
from polydistill.eval.question import Question
from polydistill.eval.tasks import benchmark


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
        """Longest answer."""
        return self.task.max_tokens or benchmark(self.task.task).MAX_TOKENS


def load_sets(config: Eval) -> list[Set]:
    """All questions, in the order of the configuration."""
    sets = []
    for task in config.tasks:
        module, path = benchmark(task.task), local(config.path(task))
        for language in task.languages or config.languages:
            loaded = module.load(task, path, language, config.source)
            for name, questions in loaded.items():
                shots = _shots(task, config, language, name)
                sets.append(Set(name, language, task, questions[: task.limit], shots))
    names = [(entry.name, entry.language) for entry in sets]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UserError(f"eval.tasks: {twice[0]} in {twice[1]} is there twice; evaluate the second in a run of its own")
    return sets


def _shots(task: Task, config: Eval, language: str, name: str) -> list[Question]:
    """Solved examples, the same for every question of the set; chosen by the seed."""
    if not task.shots:
        return []
    module = benchmark(task.task)
    if task.examples:
        pool = module.load(task, local(task.examples), language, config.source)[name]
    elif hasattr(module, "examples"):
        pool = module.examples(task, local(config.path(task)), language, config.source)[name]
    else:
        raise UserError(f"{task.task} has no examples of its own: name a file in the same format as its `examples`")
    pool = [question for question in pool if question.gold]
    if len(pool) < task.shots:
        raise UserError(f"{name} in {language}: {task.shots} shots wanted, {len(pool)} examples found")
    keys = [hashlib.blake2b(question.id.encode(), digest_size=8).hexdigest() for question in pool]
    order = seeds.uniform(config.seed, keys, "shots").argsort(kind="stable")
    return [pool[index] for index in order[: task.shots]]
