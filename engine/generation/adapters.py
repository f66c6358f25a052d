"""LoRA adapters in vLLM: an adapter's folder is taken wherever a model's folder is."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polydistill.engine.errors import DamagedError, UserError

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The largest ranks that vLLM 0.32 has room for."""


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter as peft writes it."""

    folder: str
    base: str  # the model that it belongs to
    rank: int

    @classmethod
    def find(cls, folder: str) -> "Adapter | None":
        """The adapter in a folder; None where it is something else.

        Raises:
            DamagedError: its adapter_config.json is damaged.
            UserError: it is one that vLLM cannot apply.
        """
        path = Path(folder) / "adapter_config.json"
        if not path.is_file():
            return None
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
            found = cls(folder, Path(config["base_model_name_or_path"]).as_posix(), int(config["r"]))
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedError(f"{path}: damaged ({error!r}). Train again, or copy the adapter again") from error
        if config.get("modules_to_save") or config.get("use_dora") or found.rank > RANKS[-1]:
            raise UserError(
                f"{folder}: vLLM applies neither new embeddings (train.new_tokens) nor DoRA, nor ranks above "
                f"{RANKS[-1]}. Train with lora.merge: true, and use the folder model/ next to this one."
            )
        return found

    @property
    def engine_arguments(self) -> dict[str, object]:
        """Arguments of the engine that takes it. The tokenizer is the adapter's, with its chat template."""
        rank = next(rank for rank in RANKS if rank >= self.rank)
        return {"model": self.base, "tokenizer": self.folder, "enable_lora": True, "max_lora_rank": rank}

    def request(self) -> Any:
        """What every call of `generate` gets."""
        from vllm.lora.request import LoRARequest

        return LoRARequest("adapter", 1, self.folder)


def refuse_to_train(model: str) -> None:
    """A training begins with a whole model.

    Raises:
        UserError: `model` is the folder of an adapter.
    """
    if (adapter := Adapter.find(model)) is not None:
        raise UserError(
            f"{model}: an adapter, which answers and is evaluated, but is not trained further. Name a whole model: its "
            f"base {adapter.base}, or the folder model/ that a training with lora.merge: true writes"
        )
