import types
import typing

from pydantic import BaseModel

from polydistill.paths import PATHS, PATHS_OR_NAMES, resolve
from polydistill.run_config import RunConfig


def fields(model, prefix=""):
    """Dotted key -> description of every field of a section and of the sections in it."""
    for name, field in model.model_fields.items():
        yield prefix + name, field.description or ""
        for inner in inner_models(field.annotation):
            yield from fields(inner, f"{prefix}{name}.")


def inner_models(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, list, tuple, dict, typing.Annotated):
        for inner in typing.get_args(annotation):
            yield from inner_models(inner)


def test_every_key_that_is_described_as_a_path_is_known():
    told = {
        key
        for key, text in fields(RunConfig)
        if any(word in text for word in ("Path ", "path of", "Folder ", "Folder("))
    }
    told -= {"work", "train"}
    assert told <= {*PATHS, *PATHS_OR_NAMES}
    assert {*PATHS, *PATHS_OR_NAMES} <= {key for key, _ in fields(RunConfig)}


def test_uris_and_absolute_paths_stay():
    data = {"output": "s3://bucket/run", "prompts": [{"path": "/data/a.json"}, {"path": "b.json"}]}
    assert resolve(data, "/base") == {
        "output": "s3://bucket/run",
        "prompts": [{"path": "/data/a.json"}, {"path": "/base/b.json"}],
    }


def test_wrong_types_are_left_for_the_validation():
    data = {"output": 3, "prompts": "text", "eval": {"tasks": [1, {"path": None}]}, "student": None}
    assert resolve(data, "/base") == data
