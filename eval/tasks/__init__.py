"""One file per benchmark.

Each has

    MAX_TOKENS                                longest answer unless the configuration says otherwise
    load(task, path, language, source)        -> {set name: questions}: the benchmark in one language. Most have one
                                              set of the benchmark's name; flores has one for each direction.
    examples(task, path, language, source)    -> the same from another split, for few-shot prompts (optional)
    score(questions, answers, task)           -> list of `eval.scoring.metrics.Measure`

A language that the benchmark does not have gives {} where it cannot have it (flores from English to English), and
a UserError naming the missing file otherwise.
"""

import importlib
from types import ModuleType


def benchmark(name: str) -> ModuleType:
    """The module of a task."""
    return importlib.import_module(f"polydistill.eval.tasks.{name}")
