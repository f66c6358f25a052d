"""A model's folder: its shape from the weights' headers, and what it was trained on."""

import json
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from polydistill.engine.errors import DamagedError
from polydistill.engine.storage.shards import Folder
from polydistill.inspection.columns import columns
from polydistill.trainer.artifact import Checkpoint
from polydistill.trainer.distributed.digests import problems
from polydistill.trainer.records import TRAINING, TrainingRecord

_OTHER = "Run `polydistill train` again, or copy the model again from where it came."
_SMALL = 1 << 20  # bytes; a larger file is not read whole for a description


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
        record = Checkpoint.open(training).record if training.exists(TRAINING) else None
        if record is not None:
            _refuse_altered(training, record)
        config = model_config(model)
        tensors = [each for name in model.names() if name.endswith(".safetensors") for each in _tensors(model, name)]
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
        try:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > file.size():
                raise ValueError(f"a header of {length:,} bytes")
            header = json.loads(file.read(length))
            return [_tensor(tensor) for key, tensor in header.items() if key != "__metadata__"]
        except (struct.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DamagedError(f"{model.join(name)}: damaged, or no safetensors file ({error}). {_OTHER}") from error


def _tensor(tensor: Mapping[str, Any]) -> tuple[int, str]:
    """Number of elements and dtype, where they fit the bytes that the tensor takes."""
    count, dtype = math.prod(tensor["shape"]), str(tensor["dtype"])
    bits = re.search(r"\d+", dtype)  # "BOOL" takes a byte
    begin, end = tensor["data_offsets"]
    if count * (int(bits[0]) if bits else 8) != 8 * (end - begin):
        raise ValueError(f"{count:,} elements of {dtype} in {end - begin:,} bytes")
    return count, dtype


def _refuse_altered(training: Folder, record: TrainingRecord) -> None:
    """DamagedError where a small file of the model is not what the training wrote."""
    small = {name: digest for name, digest in record.files.items() if digest.bytes < _SMALL}
    for problem in problems(training, small):
        raise DamagedError(f"{problem}. {_OTHER}")


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
