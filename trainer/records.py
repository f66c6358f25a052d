"""What training writes about itself, one frozen dataclass for each kind of file.

out/training.json                  TrainingRecord: the finished run, with its loss curve
out/tokens/000000.json             TokensPart: one shard of tokens
out/tokens/manifest.json           TokensRecord: all of them
out/checkpoints/000120/done.json   CheckpointRecord: one checkpoint, written after its last file
"""

from dataclasses import dataclass, field

from pydantic import JsonValue

from polydistill.engine.storage.shards import Shard

TRAINING = "training.json"
STOP = "stop.request"
"""A file of this name in the run's folder ends the training after the current step, with a checkpoint."""
Row = dict[str, float | int | None]
"""One step's figures by name, as in log.jsonl: `step`, `loss`, `loss/NAME`, `learning_rate`, ... None: not known."""


@dataclass(frozen=True)
class FileDigest:
    """A file as it was written."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Identity:
    """What decides the trained weights. Models and mixtures count by their content, never by their path."""

    settings: dict[str, JsonValue]  # the `train` section without what changes no result
    objective: str
    same_step: bool
    model: str  # `model_identity` of the student
    prompt: JsonValue  # how a question becomes a prompt
    mixture: str  # digest of the shards' digests and the subsets' weights


@dataclass(frozen=True)
class Validation:
    """The objective over the held-out samples after `step` steps."""

    step: int
    loss: float | None  # None: it was not a number


@dataclass(frozen=True)
class Best:
    """The validation with the lowest loss so far."""

    step: int
    loss: float


@dataclass(frozen=True)
class Progress:
    """How far a run is. Order, dropout and learning rate are functions of (seed, step), so nothing else is needed."""

    step: int = 0  # optimizer steps done
    validation: tuple[Validation, ...] = ()
    best: Best | None = None
    bad: int = 0  # validations since the best one
    skipped: tuple[str, ...] = ()  # row ids of packs left out because their loss was not finite


@dataclass(frozen=True)
class CheckpointRecord:
    """One checkpoint."""

    progress: Progress
    identity: Identity
    ranks: int
    stage: str  # ZeRO stage, e.g. "zero2"
    files: dict[str, FileDigest]
    format: int = 1


@dataclass(frozen=True)
class SubsetFigures:
    """What is trained on of one subset."""

    samples: int
    answer_tokens: int
    validation_samples: int


@dataclass(frozen=True)
class TokensPart:
    """One shard of tokens, made from one shard of the mixture."""

    fingerprint: str
    shard: Shard
    counts: dict[str, int]  # samples left out or cut, by reason
    format: int = 1


@dataclass(frozen=True)
class TokensRecord:
    """All tokens of a run."""

    fingerprint: str
    shards: tuple[Shard, ...]
    subsets: dict[str, float]  # weight by name; the order gives the subsets their numbers
    counts: dict[str, int]
    figures: dict[str, SubsetFigures]
    format: int = 1


@dataclass(frozen=True)
class TrainingRecord:
    """A finished training."""

    signature: str  # versions, seed, ranks, precision, mixture
    student: str  # where the student was; what it was is in `identity`
    identity: Identity
    model: str  # "model" or "adapter": the folder to use
    files: dict[str, FileDigest]  # of that folder (and of adapter/), by path relative to training.json
    steps: int
    steps_per_epoch: int
    ranks: int
    fill: float  # share of the packs' room that is taken by tokens
    answer_tokens_per_step: float
    dropped: dict[str, int]
    skipped: tuple[str, ...]
    subsets: dict[str, SubsetFigures]
    validation: tuple[Validation, ...]
    best: Best | None
    packed_difference: float  # mean difference of a token's loss, packed versus alone, before the first step
    curve: list[Row] = field(default_factory=list)
    format: int = 1
