"""Make a language model good in many languages from what it already knows in one.

The names below are the Python API (docs/api.md). The command line uses the same ones. They are imported at their first
use, so that `import polydistill` takes no time and needs neither torch nor Ray.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_NAMES = {
    "Run": "polydistill.run",
    "compare": "polydistill.comparison",
    "load_recipe": "polydistill.engine.mixing.recipe",
    "translate_texts": "polydistill.engine.translation.texts",
    "pack": "polydistill.trainer.data.packing",
    "train": "polydistill.steps",
    "evaluate": "polydistill.steps",
    "judge_pairs": "polydistill.engine.judging.pairs",
    "Checkpoint": "polydistill.trainer.artifact",
    "Mixture": "polydistill.engine.mixing.mixture",
    "Prompts": "polydistill.engine.prompts.artifact",
    "Answers": "polydistill.engine.generation.answers",
    "Scores": "polydistill.eval.scores",
    "Pool": "polydistill.engine.storage.pool",
}
"""Name -> the module that holds it."""

__all__ = ["__version__", *sorted(_NAMES)]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'polydistill' has no attribute '{name}'")
    value = getattr(importlib.import_module(_NAMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
