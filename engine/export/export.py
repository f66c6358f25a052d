"""A mixture or a pool in the formats of other trainers: `polydistill export`.

Rows stream from the shards to the file, so size does not matter. Their order is shuffled: trainers that pack, or take
the first N rows, would otherwise see one subset after the other.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from polydistill.engine.errors import UserError
from polydistill.engine.export.card import card
from polydistill.engine.export.formats import FORMATS, Format, Row
from polydistill.engine.export.preferences import preferences
from polydistill.engine.export.samples import Source, open_source, samples, tables, weighted
from polydistill.engine.export.write import write_rows
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.storage.names import file_name
from polydistill.engine.storage.pool import Pool
from polydistill.engine.storage.record import write_record
from polydistill.engine.storage.shards import Folder

NAMES = (*FORMATS, "datasets", "dpo")
FOLDERS = ("llamafactory", "axolotl", "datasets")
"""Formats that are a folder with a dataset card."""


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path
    rows: int
    dropped: Counter[str] = field(default_factory=Counter)  # reason -> rows that the format cannot hold


def export(
    location: str | Folder | Mixture | Pool,
    form: str,
    out: str | Path,
    *,
    seed: int | None = 0,
    margin: float = 0.05,
) -> Exported:
    """Write a mixture or a pool to `out`: a file that ends in .json, .jsonl or .parquet, or a folder.

    A `weight` column is added where subsets of the mixture weigh differently. `datasets` keeps every column; `dpo` is
    made of a pool.

    Args:
        location: a mixture's or a run's folder.
        form: one of NAMES.
        seed: of the order; None: the order of the shards.
        margin: `dpo`: minimum difference of the scores of chosen and rejected.

    Raises:
        UserError: nothing to export there, an unknown format, no row that it can hold, or `out` exists.
        DamagedError: a shard is not what was written.
    """
    path = Path(out)
    if form not in NAMES:
        raise UserError(f"unknown format '{form}' (there are: {', '.join(NAMES)})")
    if path.exists():
        raise UserError(f"{path} exists. Delete it or name another --out")
    source = open_source(location)
    if form not in FOLDERS:
        return _file(source, form, path, seed, margin)
    path.mkdir(parents=True)
    try:
        return _folder(source, form, path, seed)
    except BaseException:
        shutil.rmtree(path)  # a half-written folder would look like a whole one
        raise


def _file(source: Source, form: str, path: Path, seed: int | None, margin: float) -> Exported:
    dropped: Counter[str] = Counter()
    made = preferences(source, margin, seed, dropped) if form == "dpo" else _rows(source, FORMATS[form], seed, dropped)
    return _checked(Exported(path, write_rows(path, made), dropped))


def _checked(exported: Exported) -> Exported:
    if not exported.rows:
        exported.path.unlink(missing_ok=True)
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in exported.dropped.most_common())
        raise UserError(f"{exported.path}: no row to write ({reasons or 'the source is empty'})")
    return exported


def _rows(source: Source, form: Format, seed: int | None, dropped: Counter[str]) -> Iterator[Row]:
    weights = weighted(source)
    for sample in samples(source, seed, dropped):
        row = form(sample)
        if row is None:
            dropped["conversation:format_cannot_hold_it"] += 1
        else:
            yield row | ({"weight": sample.weight} if weights else {})


def _folder(source: Source, form: str, folder: Path, seed: int | None) -> Exported:
    name = file_name(source.record.recipe.name, "recipe") if isinstance(source, Mixture) else "pool"
    dropped: Counter[str] = Counter()
    if form == "datasets":
        count, data = _parquet_shards(source, folder, seed), "data/*.parquet"
    else:
        data = f"{name}.json" if form == "llamafactory" else "data.jsonl"
        count = write_rows(folder / data, _rows(source, FORMATS[form], seed, dropped))
    _checked(Exported(folder / data, count, dropped))
    if form == "llamafactory":
        _llamafactory(folder, name, data)
    elif form == "axolotl":
        dataset = {"path": data, "ds_type": "json", "type": "chat_template", "field_messages": "messages"}
        (folder / "axolotl.yaml").write_text(yaml.safe_dump({"datasets": [dataset]}, sort_keys=False), "utf-8")
    if isinstance(source, Mixture):
        write_record(Folder.of(folder), "mixture.json", source.record)
    (folder / "README.md").write_text(card(source, form, data, count), encoding="utf-8")
    return Exported(folder, count, dropped)


def _llamafactory(folder: Path, name: str, data: str) -> None:
    """`dataset_info.json`: LLaMA-Factory takes `--dataset_dir FOLDER --dataset NAME`."""
    columns = {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
        "history": "history",
    }
    rows = json.loads((folder / data).read_text(encoding="utf-8"))
    used = {role: column for role, column in columns.items() if any(column in row for row in rows)}
    info = {name: {"file_name": data, "formatting": "alpaca", "columns": used}}
    (folder / "dataset_info.json").write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")


def _parquet_shards(source: Source, folder: Path, seed: int | None) -> int:
    """All columns, in files that `datasets.load_dataset(FOLDER)` finds."""
    (folder / "data").mkdir()
    rows, writer, number = 0, None, 0
    for table in tables(source, seed):
        if writer is None:
            writer = pq.ParquetWriter(folder / f"data/train-{number:05}.parquet", table.schema, compression="zstd")
        writer.write_table(table)
        rows += table.num_rows
        if rows >= (number + 1) * 500_000:
            writer.close()
            writer, number = None, number + 1
    if writer is not None:
        writer.close()
    return rows
