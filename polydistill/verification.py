"""Reads every artifact in a folder whole and compares it with its record: `polydistill verify`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from polydistill.engine.errors import UserError
from polydistill.engine.generation.answers import Answers
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.prompts.artifact import open_prompts
from polydistill.engine.storage.artifact import Artifact
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.run_folder import GENERATED, POOL, UNITS
from polydistill.engine.storage.shards import Folder
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
            yield "prompts", folder, _opened(open_prompts)
            if (folder / GENERATED).names():
                yield "answers", folder, _answers
            if (folder / POOL).names(recursive=True) or (folder / UNITS).names(recursive=True):
                yield "pool", folder, _pool


def _opened(make: Callable[[Folder], Artifact]) -> Callable[[Folder], list[str]]:
    return lambda folder: make(folder).verify()


_OPENED = {"mixture": _opened(Mixture.open), "checkpoint": _opened(Checkpoint.open), "scores": _opened(Scores.open)}


def _answers(run: Folder) -> list[str]:
    answers, units = Answers(run / GENERATED), open_prompts(run).record.units
    names = [answers.name(unit) for unit in range(len(units))]
    lost = [_lost(answers.folder.join(name)) for name in names if name not in answers.names()]
    return [*lost, *answers.verify()]


def _pool(run: Folder) -> list[str]:
    pool, units = open_pool(run), range(len(open_prompts(run).record.units))
    names = [f"{UNITS}/{target}/{unit:06}.json" for target in pool.targets for unit in units]
    there = {record.name for done in pool.records.values() for record in done.values()}
    return [*(_lost(run.join(name)) for name in names if name not in there), *pool.verify()]


def _lost(path: str) -> str:
    return f"{path} is missing. Run `polydistill synth` again: it goes on where it was."


def _verified(kind: str, folder: Folder, problems: Callable[[Folder], list[str]]) -> Verified:
    try:
        found = problems(folder)
    except UserError as error:
        found = [str(error)]
    return Verified(kind, folder.root, found)
