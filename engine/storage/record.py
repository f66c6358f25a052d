"""Records: what an artifact says about itself, one frozen dataclass for each kind of file, stored as JSON.

A record class has a field `format: int`, whose default is the format that this version writes. No module but the
class's own knows a JSON key. A record is stored with a digest of its values, `checksum`: one altered digit would be
another count or another weight, and nothing else would notice. Reading compares it, and checks every field's presence
and type, so that a damaged file is named as such and never becomes a traceback later on.
"""

import dataclasses
import reprlib
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from polydistill.engine.errors import DamagedError
from polydistill.engine.storage.fingerprint import fingerprint
from polydistill.engine.storage.shards import Folder

CHECKSUM = "checksum"
"""Key of the digest of a record's other values. A record that was written without it is read as well."""

R = TypeVar("R")


def write_record(folder: Folder, name: str, record: Any) -> None:
    """Write a record dataclass as readable JSON under `name`, atomically."""
    values = record_values(record)
    folder.write_json(name, values | {CHECKSUM: fingerprint(values)})


def record_values(record: Any) -> dict[str, object]:
    """A record dataclass as JSON values."""
    return _adapter(record.__class__).dump_python(record, mode="json")


def read_record(folder: Folder, name: str, kind: type[R]) -> R:
    """Read the record `name` as the dataclass `kind`.

    Raises:
        DamagedError: the file is missing, is not JSON, is of another format, is not what was written, or a field is
            missing, unknown or of a wrong type.
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
        written = (
            f"written in format {reprlib.repr(found)}"
            if "format" in value
            else "damaged, or written by an older version"
        )
        raise DamagedError(
            f"{where}: {written}. This version of polydistill reads format {expected}. "
            "Make it anew, or use the version that wrote it."
        )
    values = {key: item for key, item in value.items() if key != CHECKSUM}
    unknown = sorted(values.keys() - {field.name for field in dataclasses.fields(cast(Any, kind))})
    if unknown or value.get(CHECKSUM, fingerprint(values)) != fingerprint(values):
        reason = f"field {unknown[0][:60]!r} is unknown" if unknown else "its content is not what was written"
        raise DamagedError(f"{where}: damaged record ({reason})")
    try:
        return _adapter(kind).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part)[:60] for part in first["loc"])
        raise DamagedError(f"{where}: damaged record (field {field!r}: {first['msg']})") from error


_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _adapters:  # building one takes milliseconds
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def _format(kind: type) -> Any:
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    return defaults.get("format")
