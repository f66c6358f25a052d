"""Every line of README's table of formats, and of the columns in docs/data.md, is true."""

import gzip
import json
import re
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from polydistill.engine.config import PromptSource
from polydistill.engine.files.source import FORMATS, File
from polydistill.engine.prompts.columns import NAMES
from polydistill.engine.prompts.prepare import prepare
from polydistill.engine.storage.shards import Folder

ROOT = Path(__file__).parents[3]
README, DOCS = ((ROOT / name).read_text() for name in ("README.md", "docs/data.md"))
SECTION = README.partition("## Your data\n")[2].partition("\n## ")[0]
LINES = re.findall(r"^\| `([\w./]+)` \| `(.+)` \| ([a-z, ]+) \|$", SECTION, re.MULTILINE)
TEXTS = {"system": "Be brief.", "instruction": "Sort.", "input": "b, a", "answer": "a, b"}


def write(path: Path, content: str) -> None:
    content = content.replace(r"\n", "\n").replace(r"\t", "\t")
    if path.suffix in (".parquet", ".arrow", ""):
        table = pa.Table.from_pylist([json.loads(content)])
        if path.suffix == ".parquet":
            pq.write_table(table, path)
        elif path.suffix == ".arrow":
            with pa.ipc.new_file(str(path), table.schema) as writer:
                writer.write_table(table)
        else:
            datasets.DatasetDict(train=datasets.Dataset(table)).save_to_disk(path)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(content.encode()))
    elif path.suffix == ".zst":
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(content.encode())
    else:
        path.write_text(content)


@pytest.mark.parametrize(("name", "content", "roles"), LINES)
def test_a_line_of_the_table(name, content, roles, tmp_path):
    write(tmp_path / name, content)
    prompts = prepare([PromptSource(path=str(tmp_path / name))], "en", Folder.of(tmp_path / "out"), 10)
    row = prompts.table(0).to_pylist()[0]
    found = {"system": row["system"], "instruction": row["instruction"], "input": row["input"], "answer": row["truth"]}
    wanted = roles.split(", ")
    assert {role: text for role, text in found.items() if text} == {
        role: TEXTS[role] for role in wanted if role in TEXTS
    }
    turns = [(turn["role"], turn["content"]) for turn in row["history"] or []]
    assert turns == ([("user", "Hi"), ("assistant", "Hello")] if "history" in wanted else [])


def test_the_tables_are_complete():
    """Every line is read here, and every format that a file may have has one."""
    assert len(LINES) == SECTION.count("\n| `") >= 16
    named = {File.of(name).format for name, _, _ in LINES} - {""}
    assert named == set(FORMATS.values()) and "saved/" in {name for name, _, _ in LINES}
    told = dict(re.findall(r"^\| (\w+) \| ([\w, ]+) \|$", DOCS, re.MULTILINE))
    assert {role: tuple(names.split(", ")) for role, names in told.items() if role in NAMES} == NAMES
