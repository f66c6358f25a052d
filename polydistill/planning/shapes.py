"""The student's shape: read from its configuration where that is on this machine, else a usual one of its size."""

import math
from pathlib import Path

from polydistill.engine.config import Student
from polydistill.engine.planning.costs import human, parameters
from polydistill.trainer.config import Train
from polydistill.trainer.run.memory import Shape, shape_of

_USUAL = {
    0.135: (30, 576, 1536, 49_152),
    0.36: (32, 960, 2560, 49_152),
    0.6: (28, 1024, 3072, 151_936),
    1.7: (28, 2048, 6144, 151_936),
    4.0: (36, 2560, 9728, 151_936),
    6.74: (32, 4096, 11_008, 32_000),
    8.19: (36, 4096, 12_288, 151_936),
    13.0: (40, 5120, 13_824, 32_000),
    32.8: (64, 5120, 25_600, 151_936),
    70.6: (80, 8192, 28_672, 128_256),
}
"""Billions of parameters -> layers, hidden size, intermediate size, vocabulary. From the configurations of SmolLM2,
Qwen3, Llama 2 and Llama 3.1."""


def student_shape(student: Student, train: Train) -> tuple[Shape, str]:
    """The shape, and in words where it is from.

    Raises:
        UserError: neither the configuration nor the name tells the model's size.
    """
    if _is_here(student.model):
        return shape_of(student.model, train, student.trust_remote_code), "from the model's configuration"
    billions = parameters(student.model)
    nearest = min(_USUAL, key=lambda size: abs(math.log(size / billions)))
    layers, hidden, intermediate, vocabulary = _USUAL[nearest]
    total = trained = round(billions * 1e9)
    if train.lora:  # four matrices of attention, three of the feed-forward part
        trained = train.lora.rank * layers * (8 * hidden + 3 * (hidden + intermediate))
    shape = Shape(total, layers, hidden, intermediate, vocabulary, trained)
    return shape, f"the usual shape of {human(billions)} parameters, since the model is not on this machine"


def _is_here(model: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    if Path(model).is_dir():
        return True
    return model.count("/") <= 1 and isinstance(try_to_load_from_cache(model, "config.json"), str)
