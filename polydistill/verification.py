"""Reads every artifact in a folder whole and compares it with its record: `polydistill verify`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.generation.answers import Answers
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.prompts.artifact import open_prompts
from polydistill.engine.storage import run_fingerprint
from polydistill.engine.storage.artifact import Artifact
from polydistill.engine.storage.configuration import CONFIG, read_configuration
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.run_folder import GENERATED, POOL, UNITS
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.absent import GO_ON, absent
from polydistill.eval.scores import Scores
from polydistill.trainer.artifact import Checkpoint

# What lies in an artifact's folder, its record or not: a folder that lost its record is damaged, not absent.
_TRACES = {
    "run": r"(prompts/(manifest\.json|\d{6}\.arrow)|units/[^/]+/\d{6}\.json|(pool/[^/]+|generated)/\d{6}\.arrow)",
    "mixture": r"((?<!prompts/)(?<!tokens/)manifest\.json|(pool\d+|parallel|native)-[^/]*\.arrow)",
    "checkpoint": r"(training\.json|checkpoints/\d+/done\.json)",
    "scores": r"(metrics\.json|answers/[^/]+/[^/]+/[^/]+\.arrow)",
}
_WHERE = {kind: re.compile(rf"(?:(.+)/)?{trace}") for kind, trace in _TRACES.items()}


@dataclass(frozen=True)
class Verified:
    """What verification found of one artifact."""

    kind: str  # "run", "prompts", "answers", "pool", "mixture", "checkpoint" or "scores"
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
    found = [_verified(kind, folder, problems) for kind, folder, problems in _artifacts(root)]
    if not found:
        raise UserError(
            f"{root.root}: neither a run (prompts/manifest.json), a mixture (manifest.json), a trained model "
            "(training.json) nor an evaluation (metrics.json)"
        )
    return found


def _artifacts(root: Folder) -> Iterator[tuple[str, Folder, Callable[[Folder], list[str]]]]:
    """Kind and folder of each artifact, and what finds its problems."""
    names = root.names(recursive=True)
    for kind, trace in _WHERE.items():
        for parent in sorted({match[1] or "" for name in names if (match := trace.fullmatch(name))}):
            folder = root / parent if parent else root
            if kind != "run":
                yield kind, folder, _OPENED[kind]
                continue
            if folder.exists(CONFIG) or folder.exists(run_fingerprint.FILE):
                yield "run", folder, _bound
            yield "prompts", folder, _opened(open_prompts)
            if (folder / GENERATED).names():
                yield "answers", folder, _answers
            if (folder / POOL).names(recursive=True) or (folder / UNITS).names(recursive=True):
                yield "pool", folder, _pool


def _opened(make: Callable[[Folder], Artifact]) -> Callable[[Folder], list[str]]:
    return lambda folder: make(folder).verify()


_OPENED = {"mixture": _opened(Mixture.open), "checkpoint": _opened(Checkpoint.open), "scores": _opened(Scores.open)}


def _bound(run: Folder) -> list[str]:
    """What is wrong with what a run's folder is bound to."""
    found = []
    for read in (read_configuration, run_fingerprint.read):
        try:
            read(run)
        except DamagedError as error:
            found.append(str(error))
    return found


def _answers(run: Folder) -> list[str]:
    return [*_lost(run, GENERATED), *Answers(run / GENERATED).verify()]


def _pool(run: Folder) -> list[str]:
    lost = _lost(run, UNITS)
    return [*lost, *open_pool(run).verify()] if (run / UNITS).names(recursive=True) else lost


def _lost(run: Folder, part: str) -> list[str]:
    try:
        config = read_configuration(run)
    except DamagedError:  # `_bound` says so
        config = {}
    return [f"{run.join(name)} is missing. {GO_ON}" for name in absent(run, config) if name.startswith(f"{part}/")]


def _verified(kind: str, folder: Folder, problems: Callable[[Folder], list[str]]) -> Verified:
    try:
        found = problems(folder)
    except UserError as error:
        found = [str(error)]
    return Verified(kind, folder.root, found)
