"""Rows drawn at random from many shards. No more than one shard and the drawn rows are in memory.

Each row has a random key, a function of the seed, its part and its place there. Of every group the rows with the
smallest keys are drawn (reservoir sampling by random sort; Efraimidis and Spirakis 2006, with equal weights).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

Place = tuple[float, int, int]  # key, number of the part, row there


@dataclass(frozen=True)
class Part:
    """A shard that rows are drawn from."""

    name: str
    rows: int
    read: Callable[[list[str] | None], pa.Table]  # the columns to read, None for all -> the rows
    labels: Mapping[str, str] = field(default_factory=dict)  # what its place says of all its rows, e.g. their language


@dataclass(frozen=True)
class Drawn:
    """A row, and where it stands."""

    part: Part
    position: int
    row: Mapping[str, object]  # column -> value


@dataclass(frozen=True)
class Group:
    """The rows drawn of one group."""

    rows: list[Drawn]  # by their keys, so fewer rows are the beginning of more
    total: int  # rows that the group has


def draw(
    parts: Sequence[Part],
    count: int,
    seed: int,
    columns: list[str] | None = None,
    label: Callable[[pa.Table], pa.Array] | None = None,
) -> dict[str, Group]:
    """Draw up to `count` rows of each group, each row of a group with the same probability.

    Args:
        parts: where the rows are. Each is read once for `label`, and once where rows are drawn from it.
        count: rows of each group.
        seed: decides which.
        columns: what `label` reads.
        label: the group of each row of a table, as strings; null for rows that are not drawn. Default: all are "".

    Returns:
        Group -> its rows, in the order of the groups' first rows.
    """
    drawn: dict[str, list[Place]] = {}
    totals: Counter[str] = Counter()
    for number, part in enumerate(parts):
        keys = np.random.default_rng([seed, number]).random(part.rows)
        for name, rows in _groups(None if label is None else label(part.read(columns)), part.rows):
            smallest = rows[np.argsort(keys[rows], kind="stable")[:count]]
            places = [(float(keys[row]), number, int(row)) for row in smallest]
            drawn[name] = sorted([*drawn.get(name, []), *places])[:count]
            totals[name] += len(rows)
    found = _read(parts, [place for places in drawn.values() for place in places])
    return {name: Group([found[place] for place in places], totals[name]) for name, places in drawn.items()}


def _groups(labels: pa.Array | None, rows: int) -> Iterator[tuple[str, np.ndarray]]:
    """Each group's name and row numbers, int64."""
    if labels is None:
        if rows:
            yield "", np.arange(rows)
        return
    codes = (labels.combine_chunks() if isinstance(labels, pa.ChunkedArray) else labels).dictionary_encode()
    numbers = codes.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    for code, name in enumerate(codes.dictionary.to_pylist()):
        yield name, np.flatnonzero(numbers == code)


def _read(parts: Sequence[Part], places: Sequence[Place]) -> dict[Place, Drawn]:
    """The rows at these places, part by part."""
    wanted: dict[int, list[Place]] = defaultdict(list)
    for place in places:
        wanted[place[1]].append(place)
    found: dict[Place, Drawn] = {}
    for number, some in sorted(wanted.items()):
        rows = parts[number].read(None).take([row for _, _, row in some]).to_pylist()
        found |= {place: Drawn(parts[number], place[2], row) for place, row in zip(some, rows)}
    return found
