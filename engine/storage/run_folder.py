"""The layout of a run's folder and the pool in it.

    run/
      config.yaml                   the resolved configuration
      prompts/000000.arrow          PROMPT rows of unit 0; prompts/manifest.json counts them
      prompts/dropped.arrow         rows of the source files that are unusable, each with its reason
      generated/000000.arrow        the same rows, answered by the student
      pool/deu_Latn/000000.arrow    POOL rows: the same rows in the same order, in one target language
      units/deu_Latn/000000.json    what was committed: one small record for each unit and language
      mixtures/sdrrl/               a mixture, see `engine.mixing.mix`

A unit is one prompt shard in one target language. It exists when its record does; the record is written last.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from polydistill.engine.errors import UserError
from polydistill.engine.storage.shards import Folder, Shard, read_shard

PROMPTS, GENERATED, POOL, UNITS, MIXTURES = "prompts", "generated", "pool", "units", "mixtures"


def shard_name(unit: int) -> str:
    """File name of a unit's shard."""
    return f"{unit:06}.arrow"


@dataclass(frozen=True)
class Pool:
    """The committed part of a run's pool."""

    place: Folder  # the run's folder
    records: dict[str, dict[int, dict[str, Any]]]  # target language -> unit -> its record

    @property
    def targets(self) -> list[str]:
        """Target languages with at least one committed unit."""
        return list(self.records)

    @functools.cached_property
    def units(self) -> list[int]:
        """Units that are committed in every target language, in order."""
        common = set.intersection(*(set(units) for units in self.records.values())) if self.records else set()
        return sorted(common)

    def shard(self, target: str, unit: int) -> Shard:
        """The shard of one unit in one language; its path is relative to the run's folder."""
        return Shard(**self.records[target][unit]["shard"])

    def table(self, target: str, unit: int, columns: list[str] | None = None) -> pa.Table:
        """POOL rows of one unit in one language. Row i is the same prompt in every language."""
        return read_shard(self.place, self.shard(target, unit), columns)

    def tables(self, target: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """All committed tables of one language, unit by unit."""
        for unit in sorted(self.records[target]):
            yield self.table(target, unit, columns)

    def rows(self, target: str) -> int:
        """Committed rows in one language, kept and dropped."""
        return sum(record["shard"]["rows"] for record in self.records[target].values())


def open_pool(location: str | Folder) -> Pool:
    """Open the pool in a run's folder; reads the small records only, no rows.

    Raises:
        UserError: there is no committed unit.
    """
    place = Folder.of(location)
    records: dict[str, dict[int, dict[str, Any]]] = {}
    for name in (place / UNITS).names(recursive=True):
        target, _, file = name.partition("/")
        if file.endswith(".json"):
            records.setdefault(target, {})[int(file.removesuffix(".json"))] = (place / UNITS).read_json(name)
    if not records:
        raise UserError(f"{place.root}: no pool here (run `polydistill synth` with this output folder first)")
    return Pool(place, dict(sorted(records.items())))
