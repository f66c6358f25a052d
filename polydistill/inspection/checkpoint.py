"""A model's folder: its shape from the weights' headers, and what it was trained on."""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from polydistill.engine.storage.record import read_record
from polydistill.engine.storage.shards import Folder
from polydistill.inspection.columns import columns
from polydistill.trainer.records import TRAINING, TrainingRecord


@dataclass(frozen=True)
class CheckpointDescription:
    """A model's folder."""

    path: str
    architecture: str
    parameters: int
    dtypes: tuple[str, ...]  # as safetensors names them, e.g. "F16"
    vocabulary: int | None  # None: an adapter has none
    training: TrainingRecord | None  # its curve is the last step; None for a model that was not trained here
    kind: str = "checkpoint"

    @classmethod
    def of(cls, model: Folder, training: Folder) -> "CheckpointDescription":
        """Describe the model in a folder; `training` is the folder of the training that may have made it."""
        config = model_config(model)
        tensors = [each for name in model.names() if name.endswith(".safetensors") for each in _tensors(model, name)]
        record = read_record(training, TRAINING, TrainingRecord) if training.exists(TRAINING) else None
        architectures, vocabulary = config.get("architectures"), config.get("vocab_size")
        return cls(
            path=model.root,
            architecture=str(
                architectures[0]
                if isinstance(architectures, list) and architectures
                else config.get("peft_type", "unknown")
            ),
            parameters=sum(count for count, _ in tensors),
            dtypes=tuple(sorted({dtype for _, dtype in tensors})),
            vocabulary=vocabulary if isinstance(vocabulary, int) else None,
            training=record and replace(record, curve=record.curve[-1:]),
        )

    def values(self) -> dict[str, object]:
        """As JSON values; `training` is there only for a model that was trained here."""
        values = {"kind": self.kind} | asdict(self) | {"dtypes": list(self.dtypes)}
        if self.training is None:
            del values["training"]
        return values

    def text(self) -> str:
        """For people."""
        size = f"{self.parameters / 1e6:,.2f}M parameters ({', '.join(self.dtypes)})"
        vocabulary = f", vocabulary {self.vocabulary:,}" if self.vocabulary else ""
        lines = [f"checkpoint {self.path}", f"{self.architecture}, {size}{vocabulary}"]
        return "\n".join(lines + (_training(self.training) if self.training else []))


def model_config(place: Folder) -> Mapping[str, object]:
    """The configuration of a Hugging Face model or LoRA adapter in a folder; {} where there is none."""
    for name, key in (("config.json", "model_type"), ("adapter_config.json", "peft_type")):
        if place.exists(name) and key in (config := place.read_json(name)):
            return config  # a run's folder has a config.json as well, without that key
    return {}


def _tensors(model: Folder, name: str) -> list[tuple[int, str]]:
    """Number of elements and dtype of each tensor, from the file's header alone."""
    with model.filesystem.open_input_file(model.join(name)) as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    return [(math.prod(tensor["shape"]), tensor["dtype"]) for key, tensor in header.items() if key != "__metadata__"]


def _training(record: TrainingRecord) -> list[str]:
    rows = [[name, f"{each.samples:,}", f"{each.answer_tokens:,}"] for name, each in record.subsets.items()]
    return [
        f"trained {record.steps:,} steps on {record.ranks} ranks from {record.student} ({record.identity.model})",
        *columns(["subset", "samples", "answer tokens"], rows),
        f"mixture {record.identity.mixture}, packs filled to {record.fill:.1%}",
        f"signature {record.signature}",
        *("last step " + ", ".join(f"{key} {_value(value)}" for key, value in row.items()) for row in record.curve),
    ]


def _value(value: float | int | None) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
