"""What became of the rows: counts that tasks return and the mixture's record is made of."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from polydistill.engine.mixing.mixture import DictionaryRecord, ParallelRecord, SubsetRecord, SwitchRecord
from polydistill.engine.mixing.recipe import Recipe
from polydistill.engine.storage.shards import Shard


class Made(NamedTuple):
    """Samples of a subset that serve a target language."""

    subset: str
    target: str


class Dropped(NamedTuple):
    """Rows that a subset left out in a target language."""

    subset: str
    target: str
    reason: str  # "field:reason"


class Switching(NamedTuple):
    """Words of texts in one language, replaced by words of another."""

    text: str
    replacements: str


@dataclass
class Counts:
    """What became of the rows of one or more tasks."""

    rows: Counter[Made] = field(default_factory=Counter)  # samples
    dropped: Counter[Dropped] = field(default_factory=Counter)  # pool rows, or sentence pairs
    switched: Counter[Switching] = field(default_factory=Counter)  # words replaced
    switchable: Counter[Switching] = field(default_factory=Counter)  # words that the dictionary covers

    def add(self, other: "Counts") -> None:
        """Add `other` to this one, in place."""
        self.rows.update(other.rows)
        self.dropped.update(other.dropped)
        self.switched.update(other.switched)
        self.switchable.update(other.switchable)


@dataclass
class Done:
    """What one task has written."""

    shards: list[Shard] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    dictionaries: dict[Switching, DictionaryRecord] = field(default_factory=dict)
    parallel: list[ParallelRecord] = field(default_factory=list)
    unused: dict[str, dict[str, int]] = field(default_factory=dict)  # native file -> column without a role -> rows
    rows: int = 0  # pool rows read

    def add(self, other: "Done") -> None:
        """Add what another task has written, in place."""
        self.shards += other.shards
        self.counts.add(other.counts)
        self.dictionaries |= other.dictionaries
        self.parallel += other.parallel
        self.unused |= other.unused
        self.rows += other.rows


def subset_records(recipe: Recipe, counts: Counts) -> tuple[SubsetRecord, ...]:
    """What each subset holds and left out, in the recipe's order."""
    records = []
    for name, subset in recipe.subsets.items():
        targets = {made.target: n for made, n in sorted(counts.rows.items()) if made.subset == name}
        dropped: Counter[str] = Counter()
        for key, n in counts.dropped.items():
            if key.subset == name:
                dropped[key.reason] += n
        rows = sum(targets.values())
        records.append(SubsetRecord(name, subset.weight, rows, targets, dict(dropped.most_common())))
    return tuple(records)


def total_dropped(counts: Counts) -> dict[str, int]:
    """Reason -> rows over all subsets, most frequent first."""
    every: Counter[str] = Counter()
    for key, n in counts.dropped.items():
        every[key.reason] += n
    return dict(every.most_common())


def switch_records(counts: Counts) -> tuple[SwitchRecord, ...]:
    """Words switched and covered, by pair of languages."""
    return tuple(SwitchRecord(*pair, counts.switched[pair], n) for pair, n in sorted(counts.switchable.items()))
