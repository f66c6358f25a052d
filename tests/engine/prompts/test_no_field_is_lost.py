"""A thousand files with random columns in random formats: whatever is not used is named."""

import csv
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from polydistill.engine.errors import UserError
from polydistill.engine.files.rows import read_rows
from polydistill.engine.files.source import File
from polydistill.engine.prompts.columns import NAMES
from polydistill.engine.prompts.fields import Fields, Notes

USUAL = [name for role, names in NAMES.items() for name in names if role not in ("messages", "history")]
OTHER = [
    "text",
    "reply_text",
    "ask",
    "note",
    "topic",
    "Größe",
    "x.y",
    "meta data",
    "chosen",
    "rejected",
    "target",
    "label",
]
FORMATS = ("jsonl", "json", "csv", "tsv", "parquet", "arrow")


def spelled(name: str, draw: random.Random) -> str:
    return draw.choice([name, name, name.upper(), name.title(), name.replace("_", " "), f"{name}_"])


def rows(draw: random.Random, late: bool) -> list[dict[str, str]]:
    """Rows whose texts say their row and column. Columns may be missing from some rows where `late`."""
    # Mostly a known question and answer, so that many files are read, with other columns beside them.
    base = draw.choice([["instruction", "output"], ["question", "answer"], ["prompt"], []])
    names = {spelled(name, draw) for name in (*base, *draw.sample(USUAL, draw.choice([0, 0, 1, 2])))}
    names |= set(draw.sample(OTHER, draw.choice([0, 1, 2]))) or {"id"}
    columns = sorted(sorted(names), key=lambda _: draw.random())
    first = columns[: draw.randrange(1, len(columns) + 1)] if late else columns
    table = []
    for number in range(draw.randrange(1, 6)):
        keys = first if number == 0 else [name for name in columns if not late or draw.random() < 0.8]
        table.append({name: f"{number} says {name}" for name in keys})
    return table


def write(path: Path, table: list[dict[str, str]]) -> None:
    columns = list(dict.fromkeys(name for row in table for name in row))
    if path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in table))
    elif path.suffix == ".json":
        path.write_text(json.dumps(table))
    elif path.suffix in (".csv", ".tsv"):
        with open(path, "w", newline="") as file:
            writer = csv.writer(file, delimiter="," if path.suffix == ".csv" else "\t", lineterminator="\n")
            writer.writerows([columns, *([row.get(name, "") for name in columns] for row in table)])
    else:
        arrow = pa.table({name: [row.get(name) for row in table] for name in columns})
        if path.suffix == ".parquet":
            pq.write_table(arrow, path)
        else:
            with pa.ipc.new_stream(str(path), arrow.schema) as writer:
                writer.write_table(arrow)


def test_no_field_of_a_thousand_files_disappears_without_being_named(tmp_path):
    draw, outcomes = random.Random(0), {"read": 0, "refused": 0}
    for number in range(1000):
        kind = draw.choice(FORMATS)
        table = rows(draw, late=kind in ("jsonl", "json"))
        path = tmp_path / f"{number}.{kind}"
        write(path, table)
        notes = Notes()
        fields = Fields(path.name, {}, notes)
        try:
            frames = [fields.frame(batch) for batch in read_rows(File.of(path))]
        except UserError as error:
            outcomes["refused"] += 1
            named = str(error)
            assert "prompts.columns" in named and path.name in named
            continue
        outcomes["read"] += 1
        taken = [row for frame in frames for row in frame.rows(named=True)]
        assert len(taken) == len(table)
        for row, source in zip(taken, table):
            held = {value for value in row.values() if isinstance(value, str)}
            for name, value in source.items():
                lost = value not in held and name not in notes.unused.get(path.name, ())
                assert not lost or row["reason"] in ("missing_field", "unknown_language"), (path.name, name, source)
    assert min(outcomes.values()) > 200, outcomes
