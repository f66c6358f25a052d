"""What is wrong with a configuration, in words: pydantic's findings as sentences that say what to write."""

import difflib
import re
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from polydistill.engine.config.base import SECRET

_EXPECTED = {
    "list_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "literal_error": "{expected}",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "a list of at least {min_length}",
    "dict_type": "keys and values",
    "model_type": "keys and values",
}
"""pydantic's kind of error -> what was expected, with the names of its context."""

_MEMBER = re.compile(r"(?:str|int|float|bool|constrained-\w+|(?:list|dict|literal|function-\w+)\[.*\])")
"""How pydantic calls the members of a union at the end of a location."""

_USER = re.compile(r"//[^/\s'\"]*@")  # in a URI: perhaps a password

_short = reprlib.Repr()  # a wrong value in a message stays short, whatever was given
_short.maxstring = 120

Location = tuple[int | str, ...]


def foreign(model: type[BaseModel], data: Mapping[str, object]) -> str | None:
    """What to say where no key is one of the model's, or like one: the file is something else. Else None."""
    known = list(model.model_fields)
    if (
        not isinstance(data, Mapping)
        or not data
        or any(difflib.get_close_matches(str(key), known, n=1) for key in data)
    ):
        return None
    keys = ", ".join(str(key)[:40] for key in list(data)[:3])
    return f"none of its keys is known ({keys}). Expected keys such as {', '.join(known[:6])}"


def problems(model: type[BaseModel], error: ValidationError) -> list[str]:
    """A sentence for each key with a problem."""
    expected: dict[Location, list[str]] = {}
    lines: dict[Location, str] = {}
    for item in error.errors():
        location, kind = item["loc"], item["type"]
        member = len(location) > 1 and _MEMBER.fullmatch(str(location[-1]))
        location = location[:-1] if member else location
        value = "nothing" if item["input"] is None else _USER.sub("//...@", _short.repr(item["input"]))
        found = f"(found {value})"
        if kind == "extra_forbidden":
            lines[location] = f"unknown key{_near(model, location)}"
        elif kind == "missing":
            lines[location] = f"required{_meaning(model, location)}"
        elif kind == SECRET:
            lines[location] = str(item["msg"])
        elif kind in _EXPECTED:
            wanted = expected.setdefault(location, [])
            wanted.append(_EXPECTED[kind].format(**item.get("ctx", {})))
            lines[location] = f"expected {' or '.join(dict.fromkeys(wanted))}{_example(model, location, kind)} {found}"
        else:
            lines[location] = f"{item['msg'].removeprefix('Value error, ')} {found}"
    return [f"{'.'.join(str(part)[:60] for part in location)}: {text}" for location, text in lines.items()]


def _near(model: type[BaseModel], location: Location) -> str:
    known = list(model.model_fields) if len(location) == 1 else list(_keys(model))
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _meaning(model: type[BaseModel], location: Location) -> str:
    field = _field(model, location)
    return f" ({field.description})" if field and field.description else ""


def _example(model: type[BaseModel], location: Location, kind: str) -> str:
    """The shortest thing that would be right, where keys and values or a list were expected."""
    field = _field(model, location)
    if field is None or kind not in ("dict_type", "model_type", "list_type", "too_short"):
        return ""
    name = next(part for part in reversed(location) if isinstance(part, str))
    entry = next((_shortest(section) for section in _sections(field.annotation)), "")
    if entry and kind in ("list_type", "too_short"):
        entry = f"[{entry}]"
    return f", e.g. {name}: {entry}" if entry else ""


def _shortest(section: type[BaseModel]) -> str:
    names = list(section.model_fields)
    needed = [name for name in names if section.model_fields[name].is_required()] or names[:1]
    return f"{{{', '.join(f'{name}: ...' for name in needed)}}}"


def _field(model: type[BaseModel], location: Sequence[int | str]) -> FieldInfo | None:
    """The field at a location, None where the path leads out of the sections."""
    found = None
    sections = [model]
    for part in location:
        if isinstance(part, int):
            continue
        found = next((each.model_fields[part] for each in sections if part in each.model_fields), None)
        if found is None:
            return None
        sections = list(_sections(found.annotation))
    return found


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections in a field's type: itself, in a list, or in a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _sections(inner)


def _keys(model: type[BaseModel]) -> Iterator[str]:
    """All field names of a section and of the sections in it."""
    for name, field in model.model_fields.items():
        yield name
        for section in _sections(field.annotation):
            yield from _keys(section)
