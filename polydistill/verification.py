"""Reads every artifact in a folder whole and compares it with its record: `polydistill verify`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.generation.answers import Answers
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.prompts.artifact import open_prompts
from polydistill.engine.storage.artifact import Artifact
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.run_folder import GENERATED, PROMPTS, UNITS
from polydistill.engine.storage.shards import Folder
from polydistill.eval.scores import FILE as SCORES
from polydistill.eval.scores import Scores
from polydistill.trainer.artifact import Checkpoint
from polydistill.trainer.records import TRAINING


@dataclass(frozen=True)
class Verified:
    """What verification found of one artifact."""

    kind: str  # "prompts", "answers", "pool", "mixture", "checkpoint" or "scores"
    path: str
    problems: list[str]  # one sentence each; [] where every file is what was written


def verify(location: str) -> list[Verified]:
    """Verify every artifact in a folder and below it.

    Args:
        location: the folder (or URI) of a run, a mixture, a trained model or an evaluation.

    Raises:
        UserError: there is none.
    """
    root = Folder.of(location)
    found = [_verified(kind, folder, make) for kind, folder, make in _artifacts(root)]
    if not found:
        raise UserError(
            f"{root.root}: neither a run (prompts/manifest.json), a mixture (manifest.json), a trained model "
            "(training.json) nor an evaluation (metrics.json)"
        )
    return found


def _artifacts(root: Folder) -> Iterator[tuple[str, Folder, Callable[[Folder], Artifact]]]:
    """Kind, folder and opener of each artifact, told by its record."""
    names = root.names(recursive=True)
    if any(name.startswith(f"{UNITS}/") for name in names):
        yield "pool", root, open_pool
    if any(name.startswith(f"{GENERATED}/") for name in names):
        yield "answers", root / GENERATED, Answers
    for name in names:
        parent, _, file = name.rpartition("/")
        folder = root / parent if parent else root
        if file == "manifest.json" and parent.rpartition("/")[2] == PROMPTS:
            run = parent.rpartition("/")[0]
            yield "prompts", root / run if run else root, open_prompts
        elif file == "manifest.json" and parent.rpartition("/")[2] != "tokens":
            yield "mixture", folder, Mixture.open
        elif file == TRAINING:
            yield "checkpoint", folder, Checkpoint.open
        elif file == SCORES:
            yield "scores", folder, Scores.open


def _verified(kind: str, folder: Folder, make: Callable[[Folder], Artifact]) -> Verified:
    try:
        problems = make(folder).verify()
    except DamagedError as error:
        problems = [str(error)]
    return Verified(kind, folder.root, problems)
