"""Checks of what is trained, and on what: the student and mixtures."""

from polydistill.checks.problem import Problem, caught
from polydistill.engine.errors import UserError
from polydistill.engine.generation.adapters import refuse_to_train
from polydistill.engine.mixing.mixture import Mixture
from polydistill.run_config import RunConfig


def student(run: RunConfig) -> list[Problem]:
    """The student is a whole model."""
    found: list[Problem] = []
    if run.student is not None:
        with caught("student.model", found):
            refuse_to_train(run.student.model)
    return found


def before(run: RunConfig) -> list[Problem]:
    """The mixtures of the trainings that come first are there and whole."""
    found: list[Problem] = []
    for number, each in enumerate(run.train.before):
        found += whole(each.mixture, f"train.before.{number}.mixture")
    return found


def whole(folder: str, key: str) -> list[Problem]:
    """A mixture is there, and none of its files is missing.

    Args:
        key: of the configuration, or of the command line.
    """
    found: list[Problem] = []
    with caught(key, found):
        mixture = Mixture.open(folder)
        lost = [shard.path for shard in mixture.record.shards if not mixture.folder.exists(shard.path)]
        if lost:
            raise UserError(f"{folder}: {lost[0]} is missing. Make the mixture again with `polydistill mix`")
    return found
