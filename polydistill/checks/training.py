"""Checks of what is trained on: mixtures."""

from polydistill.checks.problem import Problem, caught
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.mixture import Mixture
from polydistill.run_config import RunConfig


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
