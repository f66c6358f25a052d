"""All checks of a run, and which of them each step needs."""

from collections.abc import Callable, Iterable, Sequence

from polydistill.checks import data, evaluation, machine, mixture, models, training
from polydistill.checks.problem import Problem
from polydistill.engine import screen
from polydistill.engine.errors import UserError
from polydistill.run_config import RunConfig

Check = Callable[[RunConfig], list[Problem]]

STEPS: dict[str, tuple[Check, ...]] = {
    "synth": (machine.output, data.languages, data.prompts, models.student, models.translator, models.compute_type,
              models.judge, machine.synthesis),
    "mix": (mixture.mixture,),
    "train": (machine.output, models.student, training.student, training.before, machine.training),
    "eval": (models.student, evaluation.languages, evaluation.benchmarks, evaluation.measures),
}  # fmt: skip
"""Step of a run -> its checks. A check looks at one section and returns what is wrong with it."""

THIS_MACHINE: tuple[Check, ...] = (models.compute_type, machine.synthesis, machine.training)
"""Checks of this machine's processors, which say nothing about a run on a cluster."""


def check(run: RunConfig, steps: Iterable[str] = tuple(STEPS), cluster: bool = False) -> list[Problem]:
    """Everything that would stop these steps, and notes on what they would leave out.

    Args:
        run: a validated configuration.
        steps: names in `STEPS`.
        cluster: whether the run goes to a Ray cluster. Then this machine's processors do not count.
    """
    all_of_them: Sequence[Check] = list(dict.fromkeys(each for step in steps for each in STEPS[step]))
    chosen = [each for each in all_of_them if not (cluster and each in THIS_MACHINE)]
    return list(dict.fromkeys(problem for each in chosen for problem in each(run)))


def require(run: RunConfig, steps: Iterable[str] = tuple(STEPS), cluster: bool = False) -> list[Problem]:
    """`check`, for a step that is about to begin. Returns the notes.

    Raises:
        UserError: at least one problem. The message has all of them.
    """
    return refuse(check(run, steps, cluster))


def refuse(found: Iterable[Problem]) -> list[Problem]:
    """The notes among `found`.

    Raises:
        UserError: at least one of them is no note. The message has all of those.
    """
    found = list(dict.fromkeys(found))
    wrong = [problem for problem in found if not problem.note]
    if wrong:
        count = "one problem" if len(wrong) == 1 else f"{len(wrong)} problems"
        listed = "\n".join(f"  {problem}" for problem in wrong)
        raise UserError(f"{count}, nothing was started:\n{listed}")
    return found


def announce(found: Iterable[Problem]) -> None:
    """Show the notes among `found`.

    Raises:
        UserError: at least one of them is no note. The message has all of those.
    """
    for note in refuse(found):
        screen.phase(f"note: {note}")
