"""The artifact Prompts: cleaned rows with ids in `prompts/`, and the record of where they came from.

prompts/000000.arrow ...   PROMPT rows; a shard is the unit of all later work
prompts/deu_Latn/000000.arrow   GIVEN rows of the unit, where rows came with translations into that language
prompts/dropped.arrow      DROPPED rows: origin, reason and the beginning of every row that is unusable
prompts/manifest.json      the record
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields

import pyarrow as pa

from polydistill.engine.errors import DamagedError, UserError, mended_by
from polydistill.engine.storage.artifact import State
from polydistill.engine.storage.fingerprint import fingerprint
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.run_folder import PROMPTS
from polydistill.engine.storage.shards import Folder, Shard, damages, read_shard

MANIFEST, DROPPED = "manifest.json", "dropped.arrow"

_AGAIN = "Run `polydistill synth` again: it makes the prompts anew from their sources."

RULES = 3
"""Version of the reading and cleaning rules. Every change of what they give raises it."""


@dataclass(frozen=True)
class InputFile:
    """A file, or a split of a data set on the hub, that rows were read from."""

    name: str  # as the rows' origins name it
    bytes: int  # 0 for a data set on the hub
    time: int  # of its last change, nanoseconds
    content: str  # sha256, or the data set's commit


@dataclass(frozen=True)
class InputTranslations:
    """Translations that a source comes with."""

    files: list[InputFile]  # [] where the source's own rows hold them
    key: str | None
    columns: dict[str, str | None]


@dataclass(frozen=True)
class Input:
    """One configured source."""

    files: list[InputFile]
    key: str | None
    translations: dict[str, InputTranslations]  # by target language
    language: str  # of rows that name none
    columns: dict[str, str | None]
    limit: int | None
    sample: int | None
    max_chars: int
    calculator_marks: bool = True
    reasoning: str = "cut"


@dataclass(frozen=True)
class PromptsRecord:
    """What `prompts/manifest.json` says. rows_read = rows_kept + the sum of `dropped`."""

    fingerprint: str
    inputs: list[Input]
    unit_rows: int  # maximum number of rows in a unit
    seed: int | None  # of the sample; null where no source is sampled
    units: list[Shard]
    rows_read: int
    rows_kept: int
    dropped: dict[str, int]  # reason -> rows
    mended: dict[str, int]  # what was changed in texts -> rows
    unused: dict[str, dict[str, int]]  # file -> column without a role -> rows with text in it
    given: dict[str, list[Shard]]  # target language -> GIVEN rows of each unit
    translated: dict[str, int]  # target language -> rows whose question came with a translation
    # Target language -> why translations that came with the prompts are not used -> rows.
    translations_lost: dict[str, dict[str, int]] = field(default_factory=dict)
    dropped_rows: Shard | None = None  # dropped.arrow
    rules: int = RULES
    format: int = field(default=2, kw_only=True)

    def left_out(self) -> list[str]:
        """What was not taken over from the sources' rows, a sentence each."""
        lines = [
            f"{name}: not used: {_listed(columns)}. prompts.columns gives a column its role"
            for name, columns in self.unused.items()
        ]
        for target, reasons in self.translations_lost.items():
            lines.append(f"translations into {target}: not used: {_listed(reasons)}")
        if count := self.mended.get("first_answer"):
            lines.append(f"{count:,} rows have several answers. The first is used")
        if count := self.mended.get("reasoning"):
            lines.append(f"{count:,} rows have reasoning before an answer. It is left out (prompts.reasoning: keep)")
        if count := self.mended.get("reasoning_unfinished"):
            lines.append(f"{count:,} rows have an answer that is cut off in its reasoning. It is left out")
        return lines


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} ({rows:,} rows)" for name, rows in counts.items())


@dataclass(frozen=True)
class Prompts:
    """Prepared prompts."""

    folder: Folder  # `prompts/`
    record: PromptsRecord

    def table(self, unit: int) -> pa.Table:
        """PROMPT rows of one unit.

        Raises:
            DamagedError: the shard is missing or is not what was written.
        """
        with mended_by(_AGAIN):
            return read_shard(self.folder, self.record.units[unit])

    def given(self, unit: int, targets: Iterable[str]) -> dict[str, pa.Table]:
        """GIVEN rows of one unit, for those target languages that translations were given in.

        Raises:
            DamagedError: see `table`.
        """
        known = self.record.given
        with mended_by(_AGAIN):
            return {target: read_shard(self.folder, known[target][unit]) for target in targets if target in known}

    def tables(self) -> Iterator[pa.Table]:
        """PROMPT rows, unit by unit."""
        return (self.table(unit) for unit in range(len(self.record.units)))

    def verify(self) -> list[str]:
        """Read every file whole and compare it with the record. Returns one sentence per problem."""
        shards = [*self.record.units, *(shard for shards in self.record.given.values() for shard in shards)]
        shards += [self.record.dropped_rows] if self.record.dropped_rows else []
        return [f"{problem}. {_AGAIN}" for problem in damages(self.folder, shards) if problem]


def open_prompts(root: Folder) -> Prompts:
    """The prompts in a run's folder; reads only the record.

    Raises:
        UserError: there are none.
        DamagedError: the record is damaged.
    """
    folder = root / PROMPTS
    if not folder.exists(MANIFEST):
        raise UserError(
            f"{root.root}: no prompts here ({PROMPTS}/{MANIFEST} is missing). Run `polydistill synth` first."
        )
    with mended_by(_AGAIN):
        return Prompts(folder, read_record(folder, MANIFEST, PromptsRecord))


def write_prompts(folder: Folder, record: PromptsRecord) -> Prompts:
    """Write the record of prompts whose shards are in `folder`."""
    write_record(folder, MANIFEST, record)
    return Prompts(folder, record)


def state(root: Folder, wanted: str) -> State:
    """What stands in a run's folder, compared with the prompts of the fingerprint `wanted`."""
    try:
        found = open_prompts(root)
    except DamagedError:
        return State.PARTIAL
    except UserError:
        return State.ABSENT
    return State.COMPLETE if found.record.fingerprint == wanted else State.FOREIGN


def fingerprint_of(inputs: list[Input], unit_rows: int, seed: int | None) -> str:
    """16 hex digits of everything that decides the prompts' content: no paths, no names, no times."""
    contents = [
        {
            "files": [file.content for file in source.files],
            "key": source.key,
            "translations": {
                target: [[file.content for file in given.files], given.key, given.columns]
                for target, given in sorted(source.translations.items())
            },
            "language": source.language,
            "columns": source.columns,
            "limit": source.limit,
            "sample": source.sample,
            "max_chars": source.max_chars,
            **({} if source.calculator_marks else {"calculator_marks": False}),
            **({} if source.reasoning == "cut" else {"reasoning": source.reasoning}),
        }
        for source in inputs
    ]
    return fingerprint([contents, unit_rows, seed, RULES])


def differences(before: PromptsRecord, inputs: list[Input], unit_rows: int, seed: int | None) -> list[str]:
    """What distinguishes prompts that exist from those that are wanted, one phrase each."""
    found = []
    if before.unit_rows != unit_rows:
        found.append(f"work.unit_rows was {before.unit_rows}, is {unit_rows}")
    if before.seed != seed:
        found.append(f"the seed of the sample was {before.seed}, is {seed}")
    if before.rules != RULES:
        found.append("another version of polydistill prepared them")
    if len(before.inputs) != len(inputs):
        found.append(f"there were {len(before.inputs)} sources, there are {len(inputs)}")
    for old, new in zip(before.inputs, inputs):
        label = new.files[0].name
        known = {file.name: file.content for file in old.files}
        for file in new.files:
            if known.get(file.name, file.content) != file.content:
                found.append(f"the content of {file.name} has changed")
        if [file.content for file in old.files] != [file.content for file in new.files] and not found:
            names = [", ".join(file.name for file in files) for files in (old.files, new.files)]
            found.append(f"the files were {names[0]}, are {names[1]}")
        for key in (each.name for each in fields(Input) if each.name != "files"):
            was, now = getattr(old, key), getattr(new, key)
            if was != now:
                found.append(f"{key} of {label} was {was}, is {now}")
    return found
