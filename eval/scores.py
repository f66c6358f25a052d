"""Scores: the artifact of an evaluation, `metrics.json`. Its classes are the file's whole content.

One run is one model; models named "sdrrl/seed0", "sdrrl/seed1" are runs of the arm "sdrrl". All metrics are on a scale
of 0 to 100.
"""

from dataclasses import dataclass, field

from pydantic import JsonValue

from polydistill.engine.errors import DamagedError, mended_by
from polydistill.engine.storage.artifact import State
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.shards import Folder

FILE = "metrics.json"
_AGAIN = "Run `polydistill eval` again: answers that are whole are kept, and the rest is made anew."


@dataclass(frozen=True)
class ModelRecord:
    """An evaluated model."""

    path: str
    identity: str  # of its content, see `engine.models.identity`


@dataclass(frozen=True)
class Headline:
    """A column of the summary table."""

    set: str
    metric: str
    title: str  # of the benchmark; "" for off-target
    about: str  # what the set asks
    kind: str  # NLU, NLG or ""


@dataclass(frozen=True)
class Result:
    """One metric of one model in one language. JSON knows no NaN: value and interval are null where n is 0."""

    model: str
    set: str
    language: str
    side: str  # "source" or "target": what the answers' language is
    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    higher_is_better: bool
    signature: str  # how it was asked and computed: everything that decides the number


@dataclass(frozen=True)
class Average:
    """Macro average of one metric over the languages of a side."""

    model: str
    set: str
    side: str
    metric: str
    value: float
    low: float
    high: float
    languages: list[str]
    higher_is_better: bool


@dataclass(frozen=True)
class Effect:
    """How an arm differs from the baseline arm; both have several runs."""

    against: str
    difference: float  # of the means
    low: float  # interval of the difference, Welch's t
    high: float
    g: float | None  # Hedges' g: difference in pooled standard deviations; null where the runs do not vary
    g_low: float | None
    g_high: float | None
    p: float  # Welch's t-test
    p_holm: float  # corrected by Holm for all tests of the summary, or for all those of other metrics


@dataclass(frozen=True)
class ArmResult:
    """An average over the runs of an arm."""

    arm: str
    set: str  # a set, or "NLU" and "NLG": the means over the headline metrics of such sets
    side: str
    metric: str
    runs: int
    values: list[float]
    mean: float
    sd: float | None  # over runs; null for one
    low: float  # of the questions' uncertainty, averaged over runs
    high: float
    languages: list[str]
    higher_is_better: bool
    effect: Effect | None = None


@dataclass(frozen=True)
class ComparisonRecord:
    """A model against the first one on the same questions: paired bootstrap."""

    model: str
    against: str
    set: str
    language: str
    metric: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float  # corrected by Holm for all comparisons of the evaluation
    wins: int
    losses: int
    ties: int


@dataclass(frozen=True)
class Likeness:
    """How often a model answers a question in one language as it answers the same question in the source language."""

    model: str
    set: str
    language: str
    value: float  # percent of the shared questions
    both_right: float  # percent of these that are right in both languages
    n: int


@dataclass(frozen=True)
class Count:
    """What was asked of a model in one set and language."""

    model: str
    set: str
    language: str
    questions: int
    cut: int  # answers that reached the maximum length
    too_long: int  # prompts that did not fit the model's context and were not asked
    tokens: int  # generated


@dataclass(frozen=True)
class Retrieval:
    """How well sentences of a language find their translations in one layer."""

    language: str
    layer: int  # 0 is the embedding
    accuracy: float  # percent
    mean_rank: float
    n: int


@dataclass(frozen=True, kw_only=True)
class GeometryRecord:
    """Sentence vectors of a model (`eval.analysis.geometry`): `geometry/<model>.json`."""

    format: int = 1
    fingerprint: str = ""
    retrieval: list[Retrieval]
    tsne: dict[str, list[list[float]]]  # language -> points in the unit square
    signature: str


@dataclass(frozen=True, kw_only=True)
class ScoresRecord:
    """Everything an evaluation found: the content of metrics.json."""

    format: int = 2
    fingerprint: str  # of models, questions and settings
    models: dict[str, ModelRecord]
    source: str
    targets: list[str]
    confidence: float
    evaluation: dict[str, JsonValue]  # the `eval` section, for people
    student: dict[str, JsonValue]  # the `student` section: how questions became prompts, and the engine's settings
    notes: list[str]  # what was left out or asked otherwise than wanted
    headlines: list[Headline]
    results: list[Result]
    averages: list[Average]
    arms: list[ArmResult]
    comparisons: list[ComparisonRecord]
    likeness: list[Likeness]
    accounting: list[Count]
    geometry: dict[str, GeometryRecord] = field(default_factory=dict)

    @property
    def baseline(self) -> str:
        """The arm that others are tested against; "" where no arm has several runs."""
        return next((entry.effect.against for entry in self.arms if entry.effect), "")

    @property
    def several_runs(self) -> bool:
        """Whether any arm was run more than once."""
        return any(entry.runs > 1 for entry in self.arms)


@dataclass(frozen=True)
class Scores:
    """An evaluation's folder: metrics.json, the reports, and every answer under answers/."""

    folder: Folder
    record: ScoresRecord

    @classmethod
    def open(cls, location: str | Folder) -> "Scores":
        """The scores in a folder.

        Raises:
            DamagedError: metrics.json is missing, damaged, or of another format.
        """
        folder = Folder.of(location)
        with mended_by(_AGAIN):
            return cls(folder, read_record(folder, FILE, ScoresRecord))

    @classmethod
    def write(cls, folder: Folder, record: ScoresRecord) -> "Scores":
        """Write metrics.json."""
        write_record(folder, FILE, record)
        return cls(folder, record)

    @staticmethod
    def state(location: str | Folder, fingerprint: str) -> State:
        """What a folder holds, compared with the evaluation that has this fingerprint."""
        folder = Folder.of(location)
        if not folder.exists(FILE):
            return State.PARTIAL if any(name.startswith("answers/") for name in folder.names(True)) else State.ABSENT
        try:
            same = Scores.open(folder).record.fingerprint == fingerprint
        except DamagedError:
            return State.PARTIAL
        return State.COMPLETE if same else State.FOREIGN

    def verify(self) -> list[str]:
        """Compare every file of answers with its record. Returns one sentence per problem."""
        from polydistill.eval.asking.answer_files import AnswerFolder

        found: list[str] = []
        for model in self.record.models:
            asked = [(entry.set, entry.language) for entry in self.record.accounting if entry.model == model]
            found += AnswerFolder.of(self.folder, model).verify(asked)
        return [f"{problem}. {_AGAIN}" for problem in found]


def arm(model: str) -> str:
    """The arm that a model is a run of: "sdrrl/seed1" -> "sdrrl"."""
    return model.partition("/")[0]
