"""A thousand files with random columns in random formats: whatever is not used is named."""

import bz2
import csv
import gzip
import io
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from polydistill.engine.errors import UserError
from polydistill.engine.files.rows import read_rows
from polydistill.engine.files.source import File
from polydistill.engine.prompts.columns import NAMES
from polydistill.engine.prompts.fields import Fields, Notes

USUAL = [name for role, names in NAMES.items() for name in names if role not in ("messages", "history")]
TALKS = [*NAMES["messages"], "history"]
OTHER = [
    *("text", "reply_text", "ask", "note", "topic", "Größe", "x.y", "meta data", "chosen", "rejected", "target"),
    *("label", "input_ids"),
]
FORMATS = (
    *("rows.jsonl", "array.json", "lines.json", "wrapped.json", "columns.json", "rows.csv", "rows.tsv"),
    *("rows.parquet", "file.arrow", "stream.arrow", "saved"),
)
VARYING = ("rows.jsonl", "array.json", "lines.json", "wrapped.json")  # formats whose rows may have different keys
TEXT = (".jsonl", ".json", ".csv", ".tsv")


def spelled(name: str, draw: random.Random) -> str:
    return draw.choice([name, name, name.upper(), name.title(), name.replace("_", " "), f"{name}_"])


def turns(name: str, number: int, draw: random.Random) -> list[dict[str, str]]:
    """Messages under one of the usual pairs of keys, with others beside them."""
    role, content = draw.choice([("role", "content"), ("from", "value")])
    talk = []
    for turn in range(draw.choice([2, 2, 3, 4])):
        keys = {role: ("user", "assistant")[turn % 2], content: f"<{number} says {name} {turn}>"}
        extra = draw.sample(["name", "tool_call_id", "thought"], draw.choice([0, 0, 1]))
        talk.append(keys | {key: f"<{number} says {name} {turn} {key}>" for key in extra})
    return talk


def rows(draw: random.Random, late: bool, talks: bool) -> list[dict[str, Any]]:
    """Rows whose texts say their row and column. Columns may be missing from some rows where `late`."""
    # Mostly a known question and answer, so that many files are read, with other columns beside them.
    base = draw.choice([["instruction", "output"], ["question", "answer"], ["prompt"], []])
    if talks and draw.random() < 0.3:
        base = draw.choice([[draw.choice(TALKS)], [*base, draw.choice(TALKS)]])
    names = {spelled(name, draw) for name in (*base, *draw.sample(USUAL, draw.choice([0, 0, 1, 2])))}
    names |= set(draw.sample(OTHER, draw.choice([0, 1, 2]))) or {"id"}
    columns = sorted(sorted(names), key=lambda _: draw.random())
    first = columns[: draw.randrange(1, len(columns) + 1)] if late else columns
    table = []
    for number in range(draw.randrange(1, 6)):
        keys = first if number == 0 else [name for name in columns if not late or draw.random() < 0.8]
        made = {name: f"<{number} says {name}>" for name in keys}
        plain = {name: re.sub("[^a-z]+", "_", name.lower()).strip("_") for name in keys}
        table.append(made | {name: turns(name, number, draw) for name in keys if plain[name] in TALKS})
    return table


def write(folder: Path, kind: str, table: list[dict[str, Any]], draw: random.Random) -> Path:
    """Write the rows in a format; text also compressed, in UTF-16, with a byte order mark or CRLF. Returns the path."""
    columns = list(dict.fromkeys(name for row in table for name in row))
    path = folder / kind
    listed = {name: [row.get(name) for row in table] for name in columns}
    if path.suffix in TEXT:
        lines = "\n".join(json.dumps(row, ensure_ascii=draw.random() < 0.5) for row in table)
        texts = {
            "array": json.dumps(table),
            "wrapped": json.dumps({"v": 1, "rows": table}),
            "columns": json.dumps(listed),
        }
        text = texts.get(path.stem, lines)
        if path.suffix in (".csv", ".tsv"):
            buffer = io.StringIO()
            writer = csv.writer(buffer, delimiter="," if path.suffix == ".csv" else "\t", lineterminator="\n")
            writer.writerows([columns, *([row.get(name, "") for name in columns] for row in table)])
            text = buffer.getvalue()
        content = draw.choice([text, text.replace("\n", "\r\n")]).encode(draw.choice(["utf-8", "utf-8-sig", "utf-16"]))
        ending, packed = draw.choice([("", bytes), ("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress)])
        path = path.with_name(path.name + ending)
        path.write_bytes(packed(content))
        return path
    arrow = pa.table(listed)
    if kind == "saved":
        datasets.Dataset(arrow).save_to_disk(path)
        (state,) = path.glob("data-*.arrow")
        return state
    if path.suffix == ".parquet":
        pq.write_table(arrow, path)
    else:
        new = pa.ipc.new_stream if path.stem == "stream" else pa.ipc.new_file
        with new(str(path), arrow.schema) as arrow_writer:
            arrow_writer.write_table(arrow)
    return path


def leaves(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)


def test_no_field_of_a_thousand_files_disappears_without_being_named(tmp_path: Path) -> None:
    draw = random.Random(0)
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()  # of rows that are dropped, each of which is shown in `dropped.arrow`
    for number in range(1000):
        kind = draw.choice(FORMATS)
        table = rows(draw, late=kind in VARYING, talks=kind not in ("rows.csv", "rows.tsv"))
        folder = tmp_path / str(number)
        folder.mkdir()
        path = write(folder, kind, table, draw)
        notes = Notes()
        fields = Fields(path.name, {}, notes)
        problem, frames = "", []
        try:
            frames = [fields.frame(batch) for batch in read_rows(File.of(path))]
        except UserError as error:
            problem = str(error)
        if problem:
            outcomes["refused"] += 1
            # A single line under the name .json is one document.
            assert path.name in problem and re.search("prompts.columns|expected a list of rows", problem), problem
            continue
        outcomes["read"] += 1
        outcomes[kind] += 1
        outcomes["rows"] += len(table)
        taken = [row for frame in frames for row in frame.rows(named=True)]
        assert len(taken) == len(table)
        unused = notes.unused.get(path.name, {})
        for row, source in zip(taken, table):
            if row["reason"] is not None:
                reasons[row["reason"]] += 1
                continue
            held = "\n".join(leaves(row))
            for name, value in source.items():
                for text in leaves(value):
                    key = f"{name}[].{text.rpartition(' ')[2].rstrip('>')}"  # of a question or answer in messages
                    known = text in held or name in unused or key in unused or not text.startswith("<")
                    assert known, (path, name, text, row)
                outcomes["conversations"] += isinstance(value, list)
    assert outcomes["read"] > 400 and outcomes["refused"] > 200 and outcomes["conversations"] > 50, outcomes
    assert all(outcomes[kind] > 10 for kind in FORMATS), outcomes
    assert set(reasons) <= {"missing_field", "unknown_language", "no_user_turn", "bad_conversation"}, reasons
    assert sum(reasons.values()) < 0.2 * outcomes["rows"], (reasons, outcomes)
