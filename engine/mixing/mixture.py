"""The artifact Mixture: a folder of training samples made by one recipe.

    mixtures/sdrrl/
      pool0-000000-00.arrow               samples of consecutive units of the first pool: all subsets and targets
      parallel-eng_Latn-deu_Latn-00.arrow samples of parallel text
      native-deu_Latn-00.arrow            samples of rows that are German from the beginning
      manifest.json                       MixtureRecord, written last: a folder without it holds no mixture

Schema of the shards: `engine.schema.MIXTURE`. No other module knows a key of manifest.json.
"""

import sys
from dataclasses import asdict, dataclass, field, fields

import pyarrow as pa

from polydistill.engine.config import dump
from polydistill.engine.errors import DamagedError, UserError, mended_by
from polydistill.engine.mixing.recipe import Recipe
from polydistill.engine.pairs.draw import CorpusRecord
from polydistill.engine.storage.artifact import State
from polydistill.engine.storage.fingerprint import differences, fingerprint, flatten
from polydistill.engine.storage.record import parse_record, write_record
from polydistill.engine.storage.shards import Folder, Shard, damages, read_shard

MANIFEST = "manifest.json"
_AGAIN = "Run `polydistill mix` again: it makes the mixture anew."


@dataclass(frozen=True)
class SubsetRecord:
    """One subset's samples."""

    name: str
    weight: float  # in the objective
    rows: int  # samples
    targets: dict[str, int]  # samples by target language
    dropped: dict[str, int]  # reason -> rows left out, most frequent first


@dataclass(frozen=True)
class SwitchRecord:
    """Code-switching of texts in one language to words of another."""

    text: str  # FLORES-200 code of the texts
    replacements: str  # of the words put in
    switched: int  # words replaced
    switchable: int  # words that the dictionary covers

    @property
    def rate(self) -> float | None:
        """Share of the covered words that were replaced; None where none is covered."""
        return self.switched / self.switchable if self.switchable else None


@dataclass(frozen=True)
class DictionaryRecord:
    """A dictionary that questions were switched with; `path` is None where there is none and that is allowed."""

    text: str
    replacements: str
    path: str | None
    pairs: int = 0  # lines read
    dropped: dict[str, int] = field(default_factory=dict)  # reason -> lines
    entries: int = 0  # distinct words
    no_words: int = 0  # entries that can match nothing


@dataclass(frozen=True)
class ParallelRecord:
    """The parallel text of one language pair."""

    source: str
    target: str
    pairs: int  # drawn
    corpora: tuple[CorpusRecord, ...]


@dataclass(frozen=True)
class Origin:
    """Everything that a mixture's content depends on; files by their content."""

    recipe: str  # fingerprint, as for pools, judge and leakage
    seed: int
    pools: tuple[str, ...]
    targets: tuple[str, ...]
    dictionaries: dict[str, str | None]  # "from -> to" -> content of its file; None: no file
    dictionaries_missing: str | None
    parallel: dict[str, str | None]  # "source-target" -> content of its file
    parallel_rows: int | dict[str, int] | None
    judge: str | None
    leakage: str | None
    native: str | None = None


@dataclass(frozen=True)
class MixtureRecord:
    """What a mixture holds, what was left out and why, and what it was made of (manifest.json)."""

    recipe: Recipe
    seed: int
    rows: int
    subsets: tuple[SubsetRecord, ...]  # in the recipe's order
    dropped: dict[str, int]  # reason -> rows, over all subsets
    code_switch: tuple[SwitchRecord, ...]
    dictionaries: tuple[DictionaryRecord, ...]
    parallel: tuple[ParallelRecord, ...]
    runs: tuple[str, ...]  # folders of the pools
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    missing_units: int  # units that the pools lacked; above 0 only with --partial
    origin: Origin
    fingerprint: str
    shards: tuple[Shard, ...]
    unused: dict[str, dict[str, int]] = field(default_factory=dict)  # native file -> column without a role -> rows
    format: int = 2

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each subset in the objective, in the recipe's order."""
        return {subset.name: subset.weight for subset in self.subsets}

    def subset(self, name: str) -> SubsetRecord:
        """The subset of that name.

        Raises:
            KeyError: there is none.
        """
        return {subset.name: subset for subset in self.subsets}[name]


@dataclass(frozen=True)
class Mixture:
    """A finished mixture."""

    folder: Folder
    record: MixtureRecord

    @classmethod
    def open(cls, location: "str | Folder | Mixture") -> "Mixture":
        """Open the mixture in a folder. Reads only its record.

        Raises:
            UserError: no mixture is there, or an older version of polydistill made it.
            DamagedError: the record is damaged.
        """
        if isinstance(location, Mixture):
            return location
        folder = Folder.of(location)
        if not folder.exists(MANIFEST):
            raise UserError(
                f"{folder.root}: no mixture here ({MANIFEST} is missing). Make one with `polydistill mix RUN --out "
                f"{folder.root}`."
            )
        with mended_by(_AGAIN):
            value = folder.read_json(MANIFEST)
        if isinstance(value, dict) and "format" not in value:
            raise UserError(
                f"{folder.join(MANIFEST)}: not the record of a mixture, or one of an older version. Delete the folder "
                "and run `polydistill mix` again."
            )
        with mended_by(_AGAIN):
            return cls(folder, parse_record(value, MixtureRecord, folder.join(MANIFEST)))

    def write(self) -> None:
        """Write the record: from now on the folder holds this mixture."""
        write_record(self.folder, MANIFEST, self.record)

    def verify(self) -> list[str]:
        """Read every shard whole and compare it with the record. Returns one sentence per problem."""
        found = damages(self.folder, list(self.record.shards))
        return [f"{problem}. {_AGAIN}" for problem in found if problem]

    def table(self, shard: Shard) -> pa.Table:
        """MIXTURE rows of one of the record's shards.

        Raises:
            DamagedError: the shard is missing or is not what was written.
        """
        with mended_by(_AGAIN):
            return read_shard(self.folder, shard)


def state(folder: Folder, origin: Origin) -> State:
    """What stands in the folder, for someone who wants a mixture made of `origin`; what is damaged is said."""
    if folder.exists(MANIFEST):
        try:
            mixture = Mixture.open(folder)
        except DamagedError as error:
            print(error, file=sys.stderr)
            return State.PARTIAL
        if mixture.record.origin != origin:
            return State.FOREIGN
        problems = mixture.verify()
        for problem in problems:
            print(problem, file=sys.stderr)
        return State.PARTIAL if problems else State.COMPLETE
    return State.PARTIAL if any(name.endswith(".arrow") for name in folder.names()) else State.ABSENT


def present(folder: Folder, origin: Origin, recipe: Recipe) -> Mixture | None:
    """The mixture of `origin` where the folder holds it; None where it holds none.

    Raises:
        UserError: the folder holds another mixture; the message says what differs.
    """
    found = state(folder, origin)
    if found in (State.ABSENT, State.PARTIAL):
        return None
    mixture = Mixture.open(folder)
    if found is State.FOREIGN:
        lines = "\n".join(f"  {line}" for line in _differences(mixture.record, origin, recipe))
        raise UserError(f"{folder.root} holds another mixture:\n{lines}\nDelete it, or name another --out.")
    return mixture


def _differences(before: MixtureRecord, origin: Origin, recipe: Recipe) -> list[str]:
    """What differs, in words; the recipe key by key."""
    old, new = asdict(before.origin), asdict(origin)
    lines = differences(_recipe(before.recipe), _recipe(recipe))
    opaque = {"pools", "judge", "leakage", "native", "dictionaries", "parallel", "recipe"}
    for key in (one.name for one in fields(Origin)):
        if old[key] == new[key] or (key == "recipe" and lines):
            continue
        if key in opaque:
            lines.append(f"{key}: other content")
        else:
            lines += differences({key: old[key]}, {key: new[key]})
    return lines


def _recipe(recipe: Recipe) -> dict[str, object]:
    return flatten({"recipe": dump(recipe)})


def origin_fingerprint(origin: Origin) -> str:
    """The mixture's fingerprint."""
    return fingerprint(asdict(origin))
