"""Records: what an artifact says about itself, one frozen dataclass for each kind of file, stored as JSON.

A record class has a field `format: int`, whose default is the format that this version writes. No module but the
class's own knows a JSON key. Reading checks every field's presence and type, so that a damaged file is named as such
and never becomes a traceback later on.
"""

import dataclasses
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from polydistill.engine.errors import DamagedError
from polydistill.engine.storage.shards import Folder

R = TypeVar("R")


def write_record(folder: Folder, name: str, record: Any) -> None:
    """Write a record dataclass as readable JSON under `name`, atomically."""
    folder.write_json(name, record_values(record))


def record_values(record: Any) -> dict[str, Any]:
    """A record dataclass as JSON values."""
    return _adapter(record.__class__).dump_python(record, mode="json")


def read_record(folder: Folder, name: str, kind: type[R]) -> R:
    """Read the record `name` as the dataclass `kind`.

    Raises:
        DamagedError: the file is missing, is not JSON, is of another format, or a field is missing or of a wrong type.
    """
    return parse_record(folder.read_json(name), kind, folder.join(name))


def parse_record(value: Any, kind: type[R], where: str) -> R:
    """The dataclass `kind` from JSON values; `where` names their file in messages.

    Raises:
        DamagedError: see `read_record`.
    """
    if not isinstance(value, dict):
        raise DamagedError(f"{where}: damaged record (expected a JSON object, found {type(value).__name__})")
    expected = _format(kind)
    found = value.get("format", 1)
    if found != expected:
        written = f"written in format {found!r}" if "format" in value else "damaged, or written by an older version"
        raise DamagedError(
            f"{where}: {written}. This version of polydistill reads format {expected}. "
            "Make it anew, or use the version that wrote it."
        )
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise DamagedError(f"{where}: damaged record (field {field!r}: {first['msg']})") from error


_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _adapters:  # building one takes milliseconds
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def _format(kind: type) -> Any:
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    return defaults.get("format")
