"""Which artifact a path holds, and its shards."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from polydistill.engine.errors import UserError
from polydistill.engine.generation.answers import Answers
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.prompts.artifact import DROPPED, MANIFEST, open_prompts
from polydistill.engine.schema import FIELDS
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.record import read_record
from polydistill.engine.storage.run_folder import GENERATED, POOL, PROMPTS, UNITS
from polydistill.engine.storage.sampling import Part
from polydistill.engine.storage.shards import Folder, Shard, read_shard
from polydistill.eval.asking.answer_files import UnitRecord

_ANSWERS = re.compile(r"(?:(.+)/)?([^/]+)/([a-z]{3}_[A-Z][a-z]{3})(\.\d{4})?\.json")
"""Model, set, language and part in the name of an answers' record."""

POOL_REASONS = ("reason", *(f"reason_{name}" for name in (*FIELDS, "system", "history")))


@dataclass(frozen=True)
class Artifact:
    """Rows on disk."""

    kind: str
    root: str
    parts: list[Part]
    columns: Mapping[str, str] = field(default_factory=dict)  # "language" or "subset" -> the column that says it
    reasons: tuple[str, ...] = ()  # columns that hold reasons


def open_artifact(location: str, dropped: bool = False) -> Artifact:
    """The rows at a path: a run (its pool, or as far as it has come), a part of one, a mixture or an evaluation.

    Args:
        location: path or URI of the folder.
        dropped: of prompts, open the rows that are unusable.

    Raises:
        UserError: nothing that has rows.
        DamagedError: a record is damaged.
    """
    place = Folder.of(location.rstrip("/"))
    run, _, name = place.root.rpartition("/")
    above = Folder(place.filesystem, run)
    if parts := list(_evaluation(place)):
        return Artifact("evaluation answers", place.root, parts, {"subset": "set"}, ("finish",))
    if place.exists(MANIFEST):
        return _prompts(above, dropped) if name == PROMPTS else _mixture(place)
    if name == GENERATED:
        return _answers(above)
    if name == POOL:
        return _pool(above)
    if run.endswith(f"/{POOL}"):
        return _pool(Folder(place.filesystem, run.rpartition("/")[0]), name)
    if (place / UNITS).names(recursive=True):
        return _pool(place)
    if Answers(place / GENERATED).units():
        return _answers(place)
    if (place / PROMPTS).exists(MANIFEST):
        return _prompts(place, dropped)
    raise UserError(
        f"{place.root}: no rows here. Give the folder of a run, its prompts, generated or pool, a mixture, "
        "or an evaluation."
    )


def _reader(folder: Folder, shard: Shard) -> Callable[[list[str] | None], pa.Table]:
    return lambda columns: read_shard(folder, shard, columns)


def _prompts(run: Folder, dropped: bool) -> Artifact:
    prompts = open_prompts(run)
    if dropped:
        shard = prompts.record.dropped_rows
        parts = [Part(f"{PROMPTS}/{DROPPED}", shard.rows, _reader(prompts.folder, shard))] if shard else []
        return Artifact("dropped prompts", prompts.folder.root, [part for part in parts if part.rows], {}, ("reason",))
    parts = [Part(shard.path, shard.rows, _reader(prompts.folder, shard)) for shard in prompts.record.units]
    return Artifact("prompts", prompts.folder.root, parts, {"language": "source"})


def _answers(run: Folder) -> Artifact:
    answers = Answers(run / GENERATED)
    shards = [answers.record(unit).shard for unit in sorted(answers.units())]
    parts = [Part(shard.path, shard.rows, _reader(answers.folder, shard)) for shard in shards]
    return Artifact("answers", answers.folder.root, parts, {"language": "source"}, ("self_error",))


def _pool(run: Folder, only: str | None = None) -> Artifact:
    pool = open_pool(run)
    shards = [(target, record.shard) for target, units in pool.records.items() for record in units.values()]
    parts = [
        Part(shard.path, shard.rows, _reader(run, shard), {"language": target})
        for target, shard in shards
        if only in (None, target)
    ]
    return Artifact("pool", run.root, parts, reasons=POOL_REASONS)


def _mixture(place: Folder) -> Artifact:
    mixture = Mixture.open(place)
    parts = [Part(shard.path, shard.rows, _reader(place, shard)) for shard in mixture.record.shards]
    return Artifact("mixture", place.root, parts, {"language": "target", "subset": "subset"})


def _evaluation(place: Folder) -> Iterator[Part]:
    """The answers below an evaluation's folder, its `answers`, or the folder of one model there."""
    top = place / "answers" if place.exists("metrics.json") or (place / "answers").names(True) else place
    if top is place and not re.search(r"/answers(/[^/]+)?$", place.root):
        return
    for name in top.names(recursive=True):
        if found := _ANSWERS.fullmatch(name):
            model, entry, language, _ = found.groups()
            folder = top / model if model else top
            shard = read_record(folder, name.removeprefix(f"{model}/"), UnitRecord).shard
            labels = {"model": model or top.root.rpartition("/")[2], "set": entry, "language": language}
            yield Part(name.removesuffix(".json"), shard.rows, _reader(folder, shard), labels)
