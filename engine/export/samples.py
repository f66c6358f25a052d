"""What is exported: samples of a mixture, or of the kept rows of a pool, as one stream in shuffled order."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.errors import UserError
from polydistill.engine.mixing.mixture import MANIFEST, Mixture
from polydistill.engine.prompts.conversation import Turn
from polydistill.engine.storage.pool import Pool, open_pool
from polydistill.engine.storage.run_folder import UNITS
from polydistill.engine.storage.shards import Folder, Shard, read_shard

_CHUNK = 20_000  # rows held at once

Source: TypeAlias = "Mixture | Pool"


@dataclass(frozen=True)
class Sample:
    """One question with its answer."""

    id: str
    language: str  # of the answer
    system: str | None
    history: list[Turn] | None
    instruction: str
    input: str
    response: str
    weight: float = 1.0


def open_source(location: str | Folder | Mixture | Pool) -> Source:
    """Open a mixture's or a run's folder.

    Raises:
        UserError: it is neither.
    """
    if isinstance(location, Mixture | Pool):
        return location
    folder = Folder.of(location)
    if folder.exists(MANIFEST):
        return Mixture.open(folder)
    if (folder / UNITS).names(recursive=True):
        return open_pool(folder)
    raise UserError(f"{folder.root}: neither a mixture (`polydistill mix`) nor a run with a pool (`polydistill synth`)")


def tables(source: Source, seed: int | None) -> Iterator[pa.Table]:
    """All rows with all their columns, some thousand at a time.

    Args:
        source: mixture or pool.
        seed: of the order, a function of the seed and the number of rows; None: the order of the shards.
    """
    folder, shards = _shards(source)
    ends = np.cumsum([shard.rows for shard in shards], dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    order = np.arange(total) if seed is None else np.random.default_rng(seed).permutation(total)
    for start in range(0, total, _CHUNK):
        chosen = order[start : start + _CHUNK]
        shard_of = np.searchsorted(ends, chosen, side="right")
        parts, places = [], []
        for index in np.unique(shard_of):
            inside = np.flatnonzero(shard_of == index)
            first = int(ends[index]) - shards[index].rows
            parts.append(read_shard(folder, shards[index]).take(pa.array(chosen[inside] - first)))
            places.append(inside)
        yield pa.concat_tables(parts).take(pa.array(np.argsort(np.concatenate(places), kind="stable")))


def _shards(source: Source) -> tuple[Folder, list[Shard]]:
    if isinstance(source, Mixture):
        return source.folder, list(source.record.shards)
    return source.folder, [source.shard(t, unit) for t in source.targets for unit in sorted(source.records[t])]


def samples(source: Source, seed: int | None, dropped: Counter[str]) -> Iterator[Sample]:
    """The samples of a mixture; of a pool, each kept row in its target language with an answer that is usable.

    Args:
        source: mixture or pool.
        seed: of the order; None: the order of the shards.
        dropped: reasons why rows are left out are counted here.
    """
    for table in tables(source, seed):
        yield from _of_mixture(table) if isinstance(source, Mixture) else _of_pool(table, dropped)


def _of_mixture(table: pa.Table) -> Iterator[Sample]:
    for row in table.to_pylist():
        yield Sample(
            row["id"], row["answer_language"], row["system"], row["history"], row["instruction"], row["input"] or "",
            row["response"], row["weight"],
        )  # fmt: skip


def _of_pool(table: pa.Table, dropped: Counter[str]) -> Iterator[Sample]:
    columns = ["id", "target", "reason", "history", "mt_system", "mt_history"]
    columns += [f"{kind}_{f}" for f in ("instruction", "input", "truth", "self") for kind in ("mt", "reason")]
    for row in table.select(columns).to_pylist():
        answer = next((row[f"mt_{name}"] for name in ("truth", "self") if usable(row, name)), None)
        if row["reason"] is not None or answer is None:
            dropped[str(row["reason"] or "answer:missing").partition(": ")[0]] += 1
        else:
            question = row["mt_instruction"], row["mt_input"] or ""
            yield Sample(row["id"], row["target"], row["mt_system"], translated_history(row), *question, answer)


def usable(row: Mapping[str, object], name: str) -> bool:
    """Whether a pool row's translated answer can be learned."""
    return bool(row[f"mt_{name}"]) and row[f"reason_{name}"] is None


def translated_history(row: Mapping[str, Any]) -> list[Turn] | None:
    """A pool row's history in the target language; roles and payloads stay."""
    if row["history"] is None:
        return None
    return [turn | {"content": text} for turn, text in zip(row["history"], row["mt_history"], strict=True)]


def languages(source: Source) -> dict[str, int]:
    """Number of rows by language: of the answer in a mixture, of the translation in a pool."""
    counts: Counter[str] = Counter()
    folder, shards = _shards(source)
    column = "answer_language" if isinstance(source, Mixture) else "target"
    for shard in shards:
        values = pc.value_counts(read_shard(folder, shard, [column])[column].combine_chunks())
        counts.update({item["values"]: item["counts"] for item in values.to_pylist()})
    return dict(counts.most_common())


def weighted(source: Source) -> bool:
    """Whether the subsets of a mixture have different weights."""
    return isinstance(source, Mixture) and len({subset.weight for subset in source.record.subsets}) > 1
