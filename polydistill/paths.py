"""Relative paths in a run's file are relative to the file, so that it works from every folder."""

import os
import re
from pathlib import Path
from typing import Any

from polydistill.engine.prompts.sources import on_hub

PATHS = (
    *(
        "output",
        "dictionaries.path",
        "parallel.path",
        "native.path",
        "parallel.allocation",
        "leakage.against",
    ),
    *("eval.data", "translate.examples", "translate.fallback.examples", "judge.quality.encoder", "eval.comet_encoder"),
    "train.before.mixture",
)
"""Keys that hold a path."""

PATHS_OR_NAMES = (
    *(
        "student.model",
        "student.reward.model",
        "student.reward",
        "translate.model",
        "translate.fallback.model",
        "judge.language_id",
        "judge.quality.model",
        "recipe",
        "eval.language_id",
    ),
    *("eval.comet", "eval.tasks.path", "eval.tasks.examples", "eval.tasks.bleu_tokenizer", "eval.geometry.path"),
)
"""Keys that hold a path, or a hub id or a name where no such path exists."""

_FILES = {".json", ".jsonl", ".parquet", ".arrow", ".csv", ".tsv", ".txt", ".yaml", ".yml", ".bin", ".ftz"}
"""Names with these endings are files, whether they exist or not."""


def resolve(data: dict[str, object], folder: str | Path) -> dict[str, object]:
    """`data` with absolute paths, where relative ones are relative to `folder`.

    Args:
        data: keys and values of a run's file, not validated: values of wrong types are left for the validation.
        folder: local folder.
    """
    data = _change(data, ["prompts", "path"], lambda text: _unless_on_hub(text, folder))
    data = _change(data, ["prompts", "translations", "*", "path"], lambda text: _absolute(text, folder))
    for key in PATHS:
        data = _change(data, key.split("."), lambda text: _absolute(text, folder))
    for key in PATHS_OR_NAMES:
        data = _change(data, key.split("."), lambda text: _absolute(text, folder) if _is_path(text, folder) else text)
    return data


def _change(value: Any, keys: list[str], change: Any) -> Any:
    """`value` with `change` applied to the strings under `keys`, through lists as well."""
    if isinstance(value, list):
        return [_change(item, keys, change) for item in value]
    if not keys:
        return change(value) if isinstance(value, str) else value
    if not isinstance(value, dict):
        return value
    if keys[0] == "*":
        return {key: _change(item, keys[1:], change) for key, item in value.items()}
    if keys[0] not in value:
        return value
    return value | {keys[0]: _change(value[keys[0]], keys[1:], change)}


def _absolute(text: str, folder: str | Path) -> str:
    if not text or re.match(r"^\w+:", text):  # a URI, or hub:OWNER/NAME
        return text
    return os.path.abspath(os.path.join(folder, os.path.expanduser(text))) + ("/" if text.endswith("/") else "")


def _unless_on_hub(text: str, folder: str | Path) -> str:
    return text if on_hub(text) and not _is_path(text, folder) else _absolute(text, folder)


def _is_path(text: str, folder: str | Path) -> bool:
    if text.startswith(("./", "../", "~")) or os.path.exists(os.path.join(folder, text)):
        return True
    return Path(text.removesuffix(".gz")).suffix in _FILES
