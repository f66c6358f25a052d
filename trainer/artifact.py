"""Checkpoint: the artifact that training makes, a trained student in its folder.

out/training.json   what was trained, on what, with which losses (`TrainingRecord`)
out/model/          the trained student, a plain Hugging Face folder
out/adapter/        with LoRA: the adapter alone
out/checkpoints/    what an interrupted training goes on from
"""

from dataclasses import dataclass
from pathlib import Path

from polydistill.engine.errors import DamagedError, mended_by
from polydistill.engine.models.identity import file_digest
from polydistill.engine.storage.artifact import State
from polydistill.engine.storage.record import read_record
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.distributed.digests import problems
from polydistill.trainer.records import TRAINING, Identity, Row, TrainingRecord

_AGAIN = "Run `polydistill train` again: it makes the model anew from its newest checkpoint."


@dataclass(frozen=True)
class Checkpoint:
    """A finished training."""

    folder: Folder
    record: TrainingRecord
    location: str  # the folder as it was named: a path or URI

    @classmethod
    def open(cls, location: str | Folder) -> "Checkpoint":
        """Open a training's folder.

        Raises:
            DamagedError: training.json is missing or damaged.
        """
        folder = Folder.of(location)
        with mended_by(_AGAIN):
            record = read_record(folder, TRAINING, TrainingRecord)
        return cls(folder, record, folder.root if isinstance(location, Folder) else location)

    @staticmethod
    def state(location: str, identity: Identity | None = None) -> State:
        """The state of a folder. With `identity`, also whether it belongs to this training.

        Raises:
            DamagedError: training.json is damaged.
        """
        folder = Folder.of(location)
        if not folder.exists(TRAINING):
            return State.PARTIAL if folder.names(recursive=True) else State.ABSENT
        checkpoint = Checkpoint.open(location)
        if identity is not None and checkpoint.record.identity != identity:
            return State.FOREIGN
        return State.PARTIAL if checkpoint.verify() else State.COMPLETE

    @property
    def identity(self) -> Identity:
        """What decides its weights."""
        return self.record.identity

    @property
    def path(self) -> str:
        """The model's folder: a whole model, or an adapter where `train.lora.merge` is false."""
        return f"{self.location.rstrip('/')}/{self.record.model}"

    @property
    def curve(self) -> list[Row]:
        """One row of figures for each optimizer step."""
        return self.record.curve

    def verify(self) -> list[str]:
        """Compare the model's files with their digests. Returns one sentence per problem."""
        return [f"{problem}. {_AGAIN}" for problem in problems(self.folder, self.record.files)]


def refuse_damaged(model: str) -> None:
    """Compare a model that a training wrote with the training's record. Other models are passed over.

    The files' digests are those of `model_identity`, which remembers them, so nothing is read twice.

    Args:
        model: a model's folder, or a hub id.

    Raises:
        DamagedError: a file is missing or is not what was written, or the record is damaged.
    """
    folder = Path(model).expanduser()
    if not (folder.parent / TRAINING).is_file():
        return
    for name, digest in Checkpoint.open(str(folder.parent)).record.files.items():
        path = folder.parent / name
        if name.startswith(f"{folder.name}/") and not (path.is_file() and file_digest(path) == digest.sha256):
            problem = "damaged (its content is not what was written)" if path.is_file() else "missing"
            raise DamagedError(f"{path}: {problem}. {_AGAIN} A model that was changed on purpose needs another folder.")
