"""Damaged files of our own and of models: a UserError that names the file, or what was written. Never other values."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import safetensors.numpy

from polydistill.engine.errors import UserError
from polydistill.engine.judging.languages.language_id import LanguageID
from polydistill.engine.mixing.recipe import load_recipe
from polydistill.engine.prompts.artifact import open_prompts
from polydistill.engine.storage import run_fingerprint
from polydistill.engine.storage.configuration import read_configuration, write_configuration
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.shards import Folder
from polydistill.inspection.checkpoint import CheckpointDescription
from tests.engine.files.mutation import COUNT, Reader, damage
from tests.engine.judging.fasttext_model import write_model
from tests.engine.pool_fixture import row, write_run

TARGET = "deu_Latn"
RECIPE = b"extends: t_sft\nsubsets: {TT: {weight: 2.0}}\nanswers: {truth: 1}\n"
HEADER = b'{"model_type": "llama", "vocab_size": 16}'


def make() -> Folder:
    """A small run with all records that synthesis writes."""
    run = Folder.of(tempfile.mkdtemp())
    write_run(Path(run.root), {TARGET: [row(number, TARGET) for number in range(6)]}, unit_rows=3)
    write_configuration(run, {"output": "out", "targets": [TARGET], "seed": 17})
    run_fingerprint.bind(run, {"seed": 17, "targets": [TARGET]})
    return run


RUN = make()
"""Made anew in each process: what is damaged is a copy of one of its files."""


def of_run(read: Callable[[Folder], Any], name: str, path: Path, folder: Path) -> None:
    """Read a copy of the run with the damaged file in it: the same values, or a UserError that names the file."""
    for other in RUN.names(recursive=True):
        if other != name:
            (folder / other).parent.mkdir(parents=True, exist_ok=True)
            (folder / other).write_bytes(RUN.read(other))
    try:
        found = read(Folder.of(folder))
    except UserError as error:
        if path.name not in str(error):
            raise AssertionError(f"the file is not named: {error}") from error
        raise
    assert found == read(RUN)


def own(name: str, read: Callable[[Folder], Any]) -> Reader:
    return name, RUN.read(name), functools.partial(of_run, read, name)


def rows(run: Folder) -> list[Any]:
    return [table.to_pylist() for table in open_pool(run).tables(TARGET)]


def recipe(path: Path, folder: Path) -> None:
    load_recipe(path)


def weights(path: Path, folder: Path) -> None:
    (folder / "config.json").write_bytes(HEADER)
    CheckpointDescription.of(Folder.of(folder), Folder.of(folder)).text()


def header(path: Path, folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    CheckpointDescription.of(Folder.of(folder), Folder.of(folder)).text()


def language_id(path: Path, folder: Path) -> None:
    LanguageID(str(path)).identify(pa.array(["das Wetter ist heute gut"]), TARGET)


WEIGHTS = safetensors.numpy.save({f"layer.{i}": np.ones((4, i + 1), np.float32) for i in range(6)})
FASTTEXT = write_model(Path(tempfile.mkdtemp()) / "m.bin", {TARGET: ["das", "ist"], "eng_Latn": ["the", "is"]})

READERS: list[Reader] = [
    own("config.yaml", read_configuration),
    own("fingerprint.json", run_fingerprint.read),
    own(f"units/{TARGET}/000001.json", rows),
    own(f"pool/{TARGET}/000001.arrow", rows),
    own("prompts/manifest.json", lambda run: open_prompts(run).record),
    own("prompts/000001.arrow", lambda run: [table.to_pylist() for table in open_prompts(run).tables()]),
    ("own.yaml", RECIPE, recipe),
    ("model.safetensors", WEIGHTS, weights),
    ("config.json", HEADER, header),
    ("lid.bin", FASTTEXT.read_bytes(), language_id),
]


@pytest.mark.timeout(max(300, COUNT))
def test_damaged_files_end_in_a_sentence_or_in_what_was_written(tmp_path: Path) -> None:
    damage(__name__, tmp_path)


def test_the_files_are_whole_before_they_are_damaged(tmp_path: Path) -> None:
    for number, (name, raw, reader) in enumerate(READERS):
        file = tmp_path / str(number) / name
        file.parent.mkdir(parents=True)
        file.write_bytes(raw)
        reader(file, tmp_path / str(number))
