"""Configuration from YAML: read, changed by dotted overrides, validated; every problem is named with its key."""

import difflib
import json
import re
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import (
    BaseModel,
    JsonValue,
    ValidationError,
)

from polydistill.engine.config.base import SECRET, Config
from polydistill.engine.errors import UserError
from polydistill.engine.yaml_text import parse_yaml

C = TypeVar("C", bound=Config)


_USER = re.compile(r"//[^/\s'\"]*@")  # in a URI: perhaps a password


_short = reprlib.Repr()  # a wrong value in a message stays short, whatever was given


_short.maxstring = 120


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
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text file in UTF-8 (byte {error.start}). Expected a YAML file") from error
    data = parse_yaml(text, str(path))
    data = {} if data is None else data
    if not isinstance(data, dict):
        raise UserError(f"{path}: expected keys and values, found {type(data).__name__}")
    return data


def validate(model: type[C], data: Mapping[str, object], where: str) -> C:
    """Validate `data`. One UserError reports every problem with its key."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = []
        for item in error.errors():
            key = ".".join(str(part)[:60] for part in item["loc"])
            if item["type"] == "extra_forbidden":
                known = list(model.model_fields) if len(item["loc"]) == 1 else _keys(model)
                near = difflib.get_close_matches(str(item["loc"][-1]), known, n=1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                problems.append(f"  {key}: unknown key{hint}")
            elif item["type"] == SECRET:
                problems.append(f"  {key}: {item['msg']}")
            else:
                found = _USER.sub("//...@", _short.repr(item["input"]))
                problems.append(f"  {key}: {item['msg'].removeprefix('Value error, ')} (found {found})")
        raise UserError(f"{where}:\n" + "\n".join(problems)) from error


def dump(config: Config) -> dict[str, JsonValue]:
    """The configuration as plain JSON values, defaults included."""
    return json.loads(config.model_dump_json())


def override(data: dict[str, object], text: str) -> None:
    """Apply one `key.sub=value` (the value is YAML) to `data`, in place."""
    key, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--set {text}: expected key=value, e.g. translate.beam=1")
    *parents, last = key.strip().split(".")
    for parent in parents:
        section = data.setdefault(parent, {})
        if not isinstance(section, dict):
            raise UserError(f"--set {text}: '{parent}' is a value, not a section")
        data = section
    data[last] = parse_yaml(value, f"--set {text}")


def _keys(model: type[BaseModel]) -> list[str]:
    """All field names of a section and of the sections in it."""
    names: list[str] = []
    for name, field in model.model_fields.items():
        names.append(name)
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                names += _keys(inner)
    return names
