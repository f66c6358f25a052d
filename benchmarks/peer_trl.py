"""TRL as its users run it, versus ours: its packing and its SFTTrainer, where `import trl` works.

TRL asks for nothing that is not here already: `pip install --no-deps trl`. It then runs in the same process, on the
same torch and transformers, so that nothing but TRL itself is compared.
"""

import contextlib
import importlib.util
import io
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def installed() -> bool:
    """Whether TRL is there; without it its rows are left out, and a line on stderr says so."""
    import sys

    found = importlib.util.find_spec("trl") is not None
    if not found:
        print("TRL is not installed: its rows are left out (pip install --no-deps trl)", file=sys.stderr)
    return found


def dataset(samples: list[tuple[np.ndarray, int]]) -> Any:
    """Tokens and labels as TRL's trainer keeps them. Of each sample: its tokens, and how many are the prompt."""
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    labels = [np.concatenate([np.full(prompt, -100, tokens.dtype), tokens[prompt:]]) for tokens, prompt in samples]
    return Dataset.from_dict({"input_ids": [tokens for tokens, _ in samples], "labels": labels})


def packs(rows: Any, limit: int) -> int:
    """Packs that `pack_dataset` makes of `dataset`'s rows, by its rule `bfd` and with its defaults."""
    from trl import pack_dataset

    # In memory: TRL would write them to the disk, and find them there the second time.
    return len(pack_dataset(rows, limit, "bfd", {"keep_in_memory": True, "load_from_cache_file": False}))


def trainer(model: Any, rows: Any, limit: int, **arguments: Any) -> Callable[[], float]:
    """One epoch over `rows` by SFTTrainer with packing; returns seconds from its first step to its last.

    Args:
        arguments: of SFTConfig, besides those that only keep it from writing files and reports.
    """
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    class Clock(TrainerCallback):
        started = seconds = 0.0

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.started = time.perf_counter()

        def on_train_end(self, *_: Any, **__: Any) -> None:
            self.seconds = time.perf_counter() - self.started

    # The rows are tokens already; the trainer only asks for the padding token.
    plain = Tokenizer(models.BPE(vocab={"<end>": 0}, merges=[]))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="<end>", pad_token="<end>")

    def work() -> float:
        clock = Clock()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            quiet: dict[str, Any] = {
                "output_dir": folder,
                "save_strategy": "no",
                "report_to": "none",
                "disable_tqdm": True,
            }
            config = SFTConfig(packing=True, max_length=limit, num_train_epochs=1, **quiet, **arguments)
            made = SFTTrainer(model, config, train_dataset=rows, processing_class=tokenizer, callbacks=[clock])
            made.train()
        return clock.seconds

    return work
