"""Configuration from YAML: read, changed by dotted overrides, validated; every problem is named with its key."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue, ValidationError

from polydistill.engine.config.base import Config
from polydistill.engine.config.problems import foreign, problems
from polydistill.engine.errors import UserError
from polydistill.engine.yaml_text import parse_yaml

C = TypeVar("C", bound=Config)


def load(model: type[C], path: str | Path | None, overrides: list[str] | None = None) -> C:
    """Read `path` (YAML) into `model`, apply `key.sub=value` overrides (values are YAML), validate.

    Raises:
        UserError: unreadable file, bad YAML, unknown key (with the nearest known one), wrong value.
    """
    data = {} if path is None else read_yaml(path)
    for text in overrides or []:
        override(data, text)
    return validate(model, data, str(path or "configuration"))


def read_yaml(path: str | Path) -> dict[str, object]:
    """The keys and values of a YAML file, not validated.

    Raises:
        UserError: unreadable file, bad YAML, not a mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text file in UTF-8 (byte {error.start}). Expected a YAML file") from error
    except (OSError, ValueError) as error:  # a name with a NUL in it is no value for the system
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{str(path)[:300]}: cannot be read ({reason})") from error
    data = parse_yaml(text, str(path))
    data = {} if data is None else data
    if not isinstance(data, dict):
        advice = "If these are your rows, `polydistill init run.yaml --prompts YOUR_ROWS` writes a run file for them"
        raise UserError(f"{path}: expected keys and values, found {type(data).__name__}. {advice}")
    return data


def validate(model: type[C], data: Mapping[str, object], where: str) -> C:
    """Validate `data`. One UserError reports every problem with its key."""
    if text := foreign(model, data):
        raise UserError(f"{where}: {text}")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise UserError(f"{where}:\n" + "\n".join(f"  {line}" for line in problems(model, error))) from error


def dump(config: Config) -> dict[str, JsonValue]:
    """The configuration as plain JSON values, defaults included."""
    return json.loads(config.model_dump_json())


def override(data: dict[str, object], text: str) -> None:
    """Apply one `key.sub=value` (the value is YAML) to `data`, in place."""
    key, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--set {text}: expected key=value, e.g. translate.beam=1")
    *parents, last = key.strip().split(".")
    if not all((*parents, last)):
        raise UserError(f"--set {text}: the key is not whole. Expected key=value, e.g. translate.beam=1")
    for parent in parents:
        section = data.setdefault(parent, {})
        if not isinstance(section, dict):
            raise UserError(f"--set {text}: '{parent}' is a value, not a section")
        data = section
    data[last] = parse_yaml(value, f"--set {text}")
