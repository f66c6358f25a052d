"""Makes docs/api.md, docs/config.md and docs/run.schema.json from the code: `python docs/generate.py`."""

import inspect
import json
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import polydistill
from polydistill.run_config import RunConfig

HERE = Path(__file__).parent


def pages() -> dict[str, str]:
    """File name -> content of every generated page."""
    schema = RunConfig.model_json_schema()
    return {
        "api.md": api(),
        "config.md": config(),
        "run.schema.json": json.dumps(schema, indent=1, ensure_ascii=False) + "\n",
    }


def api() -> str:
    """The Python API, from docstrings."""
    parts = [
        "# Python API\n\nThis page is made from docstrings by `python docs/generate.py`. Everything is imported from "
        "`polydistill` itself. An import loads nothing heavy: each name brings its libraries at its first use.\n"
    ]
    for name in polydistill.__all__:
        value = getattr(polydistill, name)
        if name == "__version__":
            continue
        if inspect.isclass(value):
            parts.append(f"## {name}\n\n{_text(value)}\n")
            parts += [f"### {name}.{key}{_signature(member)}\n\n{_text(member)}\n" for key, member in _members(value)]
        else:
            parts.append(f"## {name}{_signature(value)}\n\n{_text(value)}\n")
    return "\n".join(parts)


def _members(kind: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties with a docstring, the constructor first where it has one."""
    if kind.__init__.__doc__ and "__init__" in vars(kind) and not hasattr(kind, "__dataclass_fields__"):
        yield "__init__", kind.__init__
    for name, member in vars(kind).items():
        target = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if not name.startswith("_") and (inspect.isfunction(target) or isinstance(target, property)) and target.__doc__:
            yield name, target


def _signature(member: Any) -> str:
    if isinstance(member, property):
        return ""
    function = inspect.unwrap(member)
    names = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
        names.append(f"{star}{parameter.name}{default}")
    return f"({', '.join(names)})"


def _text(member: Any) -> str:
    """A docstring as Markdown: its sections become lists."""
    lines, section = [], ""
    for line in inspect.getdoc(member).splitlines() if inspect.getdoc(member) else []:
        if line in ("Args:", "Returns:", "Raises:"):
            section = line
            lines.append(f"*{line[:-1]}*\n")
        elif section and line.startswith("    ") and not line.startswith("     "):
            name, colon, rest = line.strip().partition(": ")
            lines.append(f"- `{name}`: {rest}" if colon and section != "Returns:" else f"- {line.strip()}")
        elif section and line.strip():
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line)
    return "\n".join(lines)


def config() -> str:
    """Every setting of a run's file, section by section."""
    rows = sum(1 for _ in _settings(RunConfig))
    head = (
        "# Configuration\n\n"
        f"All {rows} settings of a run's file. This page is made from the code by `python docs/generate.py`. "
        "`docs/run.schema.json` is the same for editors that complete and check YAML: begin the file with "
        "`# yaml-language-server: $schema=PATH/run.schema.json`.\n\n"
        "- Relative paths are relative to the YAML file. Those of `--set` are relative to the working directory.\n"
        "- `--set key.sub=value` changes one value. The value is YAML.\n"
        "- An unknown key is an error. `polydistill check` finds wrong values before anything starts.\n"
        "- Languages may be given as FLORES-200 codes, ISO codes or names: `deu_Latn`, `de`, `German`.\n"
    )
    return head + "".join(_section(title, kind) for title, kind in _sections("", RunConfig))


def _sections(title: str, kind: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield title, kind
    for name, field in kind.model_fields.items():
        for inner in _models(field.annotation):
            yield from _sections(f"{title}.{name}".strip("."), inner)


def _section(title: str, kind: type[BaseModel]) -> str:
    said = inspect.getdoc(kind) or ""
    head = f"`{title}`" if title else "A run"
    lines = [f"\n## {head}\n", f"{said}\n", "| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in kind.model_fields.items():
        cells = (f"`{name}`", f"`{_type(field.annotation)}`", _default(field), field.description or "")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _settings(kind: type[BaseModel]) -> Iterator[str]:
    """Every value of a file that is no section."""
    for _, section in _sections("", kind):
        yield from (name for name, field in section.model_fields.items() if not list(_models(field.annotation)))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif typing.get_origin(annotation) in (list, tuple, dict, typing.Union, types.UnionType, typing.Annotated):
        for inner in typing.get_args(annotation):
            yield from _models(inner)


def _type(annotation: Any) -> str:
    """An annotation as people write it."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is type(None):
        return "null"
    if annotation is Any:
        return "any"
    if origin is typing.Literal:
        return ", ".join(str(value) for value in inner)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(_type(part) for part in inner)
    if origin is typing.Annotated:
        return _type(inner[0])
    if origin in (list, tuple, dict):
        parts = [_type(part) for part in inner if part is not Ellipsis]
        return f"{'mapping' if origin is dict else 'list'}[{', '.join(parts)}]"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    return getattr(annotation, "__name__", str(annotation))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or value is PydanticUndefined:
        return ""
    return f"`{json.dumps(value, ensure_ascii=False, default=str)}`"


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")
