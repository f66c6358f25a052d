"""What a folder holds: a run, a mixture, a checkpoint or scores."""

from typing import Protocol

from pyarrow.fs import FileType

from polydistill.engine.errors import UserError
from polydistill.engine.storage.run_folder import GENERATED, POOL, PROMPTS, UNITS
from polydistill.engine.storage.shards import Folder
from polydistill.inspection.checkpoint import CheckpointDescription, model_config
from polydistill.inspection.mixture import MixtureDescription
from polydistill.inspection.run import RunDescription
from polydistill.inspection.scores import ScoresDescription
from polydistill.trainer.records import TRAINING

_PARTS = (PROMPTS, GENERATED, POOL, UNITS, "mixtures", "models")
"""Folders of a run that are told about together."""


class Description(Protocol):
    """What a folder holds."""

    @property
    def kind(self) -> str:
        """run, mixture, checkpoint or scores."""

    def values(self) -> dict[str, object]:
        """It as JSON values, for programs."""

    def text(self) -> str:
        """It for people."""


def describe(location: str) -> Description:
    """What the folder holds. Records and headers are read, no rows and no weights.

    Args:
        location: path or URI of a run or of a folder in it, a mixture, a trained model (its folder or the training's)
            or an evaluation.

    Raises:
        UserError: none of them is there.
        DamagedError: a record is damaged.
    """
    place = Folder.of(location)
    run = Folder(place.filesystem, place.root.rpartition("/")[0])
    if place.root.rpartition("/")[2] in _PARTS and _is_run(run):
        return RunDescription.of(run)
    if model_config(place):
        return CheckpointDescription.of(place, Folder(place.filesystem, place.root.rpartition("/")[0]))
    if place.exists(TRAINING):
        return CheckpointDescription.of(place / ("model" if model_config(place / "model") else "adapter"), place)
    if place.exists("metrics.json"):
        return ScoresDescription.of(place)
    if place.exists("manifest.json"):
        return MixtureDescription.of(place)
    if _is_run(place):
        return RunDescription.of(place)
    if place.filesystem.get_file_info(place.root).type == FileType.NotFound:
        raise UserError(f"{place.root}: no such folder")
    raise UserError(
        f"{place.root}: neither a run (prompts/manifest.json), a mixture (manifest.json), a trained model "
        "(config.json of a Hugging Face folder, or training.json) nor an evaluation (metrics.json)"
    )


def _is_run(place: Folder) -> bool:
    return (place / PROMPTS).exists("manifest.json") or bool((place / UNITS).names(recursive=True))
