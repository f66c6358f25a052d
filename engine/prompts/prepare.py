"""Instruction files become prompts: cleaned, identified, without duplicates, in shards of equal size.

    prompts/000000.arrow ...   PROMPT rows; a shard is the unit of all later work
    prompts/dropped.arrow      origin, reason and the beginning of every row that is unusable
    prompts/manifest.json      {units: [shard], rows_read, rows_kept, dropped: {reason: rows}, mended: {kind: rows},
                               inputs, fingerprint}

rows_read = rows_kept + the dropped ones, always. A row's id is a hash of its language and its three texts, so it is
the same in every file and run; rows with equal ids are `duplicate`s of the first.
"""

import hashlib
import itertools
import json
import math
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute
import pyarrow.fs
import pyarrow.ipc

from polydistill.engine.config import Prompts
from polydistill.engine.errors import UserError
from polydistill.engine.languages import language_code
from polydistill.engine.progress import Progress
from polydistill.engine.prompts import readers
from polydistill.engine.prompts.cleaning import clean
from polydistill.engine.schema import PROMPT
from polydistill.engine.storage.run_folder import PROMPTS, shard_name
from polydistill.engine.storage.shards import Folder, Shard, to_json, write_table

MANIFEST, DROPPED = "manifest.json", "dropped.arrow"
RULES = 1
"""Version of the reading and cleaning rules; to be raised with every change of what they give."""

# What else lies in folders of data sets.
_NOT_ROWS = {"dataset_info.json", "dataset_dict.json", "dataset_infos.json", "state.json", "manifest.json"}
_DROPPED = pa.schema([("origin", pa.string()), ("reason", pa.string()), ("excerpt", pa.string())])


@dataclass(frozen=True)
class File:
    """One source file."""

    filesystem: pa.fs.FileSystem
    path: str
    name: str  # as rows' origins name it
    language: str
    limit: int | None
    max_chars: int


def prepare(sources: list[Prompts], default_language: str, place: Folder, unit_rows: int) -> dict[str, Any]:
    """Read all `sources` into `prompts/`; a second call with the same sources only reads the manifest.

    Args:
        sources: files or folders, in order.
        default_language: language of sources that name none.
        place: the run's folder.
        unit_rows: most rows in a shard; the rows are spread evenly over as few shards as that allows.

    Returns:
        The manifest.

    Raises:
        UserError: an unreadable file, no usable row, or the folder was made from other sources (says what differs).
    """
    files = source_files(sources, default_language)
    place = place / PROMPTS
    if place.exists(MANIFEST):
        manifest = place.read_json(MANIFEST)
        _same(manifest["inputs"], _inputs(files, unit_rows, manifest["inputs"]), place)
        return manifest
    inputs = _inputs(files, unit_rows)
    with tempfile.TemporaryDirectory(prefix="polydistill-") as folder:
        spool = Path(folder) / "rows.arrow"
        counts, mended, dropped = _spool(files, spool)
        with pa.memory_map(str(spool)) as source:
            rows = pa.ipc.open_stream(source).read_all()
            first = _first(rows["id"])
            dropped.append(_duplicates(rows, first))
            units = list(_units(rows, first, place, unit_rows))
    bad = pa.concat_tables(dropped)
    write_table(place, DROPPED, bad, compression="zstd")
    manifest = {
        "units": to_json(units),
        "rows_read": counts,
        "rows_kept": sum(unit.rows for unit in units),
        "dropped": dict(sorted(Counter(bad["reason"].to_pylist()).items())),
        "mended": dict(sorted(mended.items())),
        "inputs": inputs,
        "fingerprint": fingerprint(inputs),
    }
    if not units:
        raise UserError(f"no usable row in {', '.join(file.name for file in files)}: {manifest['dropped']}")
    place.write_json(MANIFEST, manifest)
    return manifest


def fingerprint(inputs: dict[str, Any]) -> str:
    """16 hex digits of everything that decides the prompts' content: no paths, no times."""
    content = [
        {key: file[key] for key in ("name", "sha256", "language", "limit", "max_chars")} for file in inputs["files"]
    ]
    text = json.dumps([content, inputs["unit_rows"], inputs["rules"]])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def row_ids(frame: pl.DataFrame, language: str) -> pl.Series:
    """Ids of cleaned rows: 16 hex digits of blake2b over language, instruction, input and truth."""
    # Cleaned texts hold no NUL, so the parts cannot run into each other.
    keys = frame.select(pl.concat_str(pl.lit(language), "instruction", "input", "truth", separator="\0"))
    blake2b = hashlib.blake2b
    return pl.Series("id", [blake2b(key.encode(), digest_size=8).hexdigest() for key in keys.to_series()])


def source_files(sources: list[Prompts], default_language: str) -> list[File]:
    """All files of `sources`, in order.

    Raises:
        UserError: a source that is not there, or holds no file with rows.
    """
    return [file for source in sources for file in _files(source, default_language, len(sources) > 1)]


def _files(source: Prompts, default_language: str, several: bool) -> Iterator[File]:
    """The files of one source, in the order of their names."""
    language = source.language or language_code(default_language)
    place = Folder.of(source.path)
    info = place.filesystem.get_file_info(place.root)
    if info.type == pa.fs.FileType.NotFound:
        raise UserError(f"{source.path}: no such file or folder")
    if info.type == pa.fs.FileType.File:
        names = {place.root: source.path if several else info.base_name}
    else:
        found = [name for name in place.names(recursive=True) if _has_rows(name)]
        if not found:
            raise UserError(f"{source.path}: no file that ends in {', '.join(readers.SUFFIXES)} (also .gz, .zst)")
        names = {place.join(name): f"{source.path.rstrip('/')}/{name}" if several else name for name in found}
    for path, name in names.items():
        yield File(place.filesystem, path, name, language, source.limit, source.max_chars)


def _has_rows(name: str) -> bool:
    parts = name.split("/")
    return bool(readers.suffix(name)) and parts[-1] not in _NOT_ROWS and not any(p[0] in "._" for p in parts)


def _inputs(files: list[File], unit_rows: int, known: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the prompts are made from. A checksum in `known` is believed where size and time of the file still match."""
    believed = {(f["name"], f["bytes"], f["time"]): f["sha256"] for f in (known or {}).get("files", [])}
    described = []
    for file in files:
        info = file.filesystem.get_file_info(file.path)
        key = (file.name, info.size, info.mtime_ns)
        described.append(
            {
                "name": file.name,
                "bytes": info.size,
                "time": info.mtime_ns,
                "sha256": believed.get(key) or _checksum(file),
                "language": file.language,
                "limit": file.limit,
                "max_chars": file.max_chars,
            }
        )
    return {"files": described, "unit_rows": unit_rows, "rules": RULES}


def _checksum(file: File) -> str:
    digest = hashlib.sha256()
    with file.filesystem.open_input_stream(file.path, compression=None) as stream:
        while data := stream.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def _same(before: dict[str, Any], now: dict[str, Any], place: Folder) -> None:
    """Raise UserError naming what differs between the sources of a manifest and those asked for."""
    if fingerprint(before) == fingerprint(now):
        return
    differs = [f"{key} was {before[key]}, is {now[key]}" for key in ("unit_rows", "rules") if before[key] != now[key]]
    old, new = ({file["name"]: file for file in inputs["files"]} for inputs in (before, now))
    differs += [f"{name} was a source and is none now" for name in old.keys() - new.keys()]
    differs += [f"{name} is a source and was none" for name in new.keys() - old.keys()]
    for name in old.keys() & new.keys():
        if old[name]["sha256"] != new[name]["sha256"]:
            differs.append(f"the content of {name} has changed")
        differs += [
            f"{key} of {name} was {old[name][key]}, is {new[name][key]}"
            for key in ("language", "limit", "max_chars")
            if old[name][key] != new[name][key]
        ]
    raise UserError(
        f"{place.root} was made from other prompts: {'; '.join(sorted(differs)) or 'the order of the files differs'}. "
        "Use another output folder, or undo the change."
    )


def _spool(files: list[File], path: Path) -> tuple[int, Counter[str], list[pa.Table]]:
    """Write the usable rows to one local Arrow stream; return rows read, rows mended by kind, and the dropped rows."""
    read, mended, dropped = 0, Counter[str](), [_DROPPED.empty_table()]
    with pa.ipc.new_stream(str(path), PROMPT) as writer, Progress("reading prompts", None) as progress:
        for file in files:
            left = file.limit
            for frame in readers.read(file.filesystem, file.path):
                frame = frame if left is None else frame.head(left)
                left = None if left is None else left - frame.height
                frame, kinds = clean(frame, file.max_chars)
                mended.update(kinds)
                read += frame.height
                frame = frame.with_columns(
                    source=pl.lit(file.language), origin=pl.lit(f"{file.name}:") + pl.col("row").cast(pl.String)
                )
                usable = pl.col("reason").is_null()
                kept, bad = frame.filter(usable), frame.filter(usable.not_())
                kept = kept.with_columns(row_ids(kept, file.language))
                writer.write_table(kept.select(PROMPT.names).to_arrow().cast(PROMPT))
                dropped.append(bad.select(_DROPPED.names).to_arrow().cast(_DROPPED))
                progress.advance(frame.height)
                if left == 0:
                    break
    return read, mended, dropped


def _first(ids: pa.ChunkedArray) -> np.ndarray:
    """Which rows are the first of their id: bool of shape (rows,)."""
    series = pl.Series(pl.from_arrow(ids), dtype=pl.String)
    return series.str.to_integer(base=16, dtype=pl.UInt64).is_first_distinct().to_numpy()


def _duplicates(rows: pa.Table, first: np.ndarray) -> pa.Table:
    again = rows.filter(pa.array(~first)).select(["origin", "instruction"])
    excerpts = pa.compute.utf8_slice_codeunits(again["instruction"], 0, readers.EXCERPT)
    reasons = pa.array(["duplicate"] * again.num_rows, pa.string())
    return pa.table([again["origin"], reasons, excerpts], schema=_DROPPED)


def _units(rows: pa.Table, first: np.ndarray, place: Folder, unit_rows: int) -> Iterator[Shard]:
    """Write the rows that are not duplicates as shards whose sizes differ by one row at most."""
    kept = np.flatnonzero(first)
    count = math.ceil(len(kept) / unit_rows)
    bounds = [round(i * len(kept) / count) for i in range(count + 1)] if count else []
    for unit, (start, end) in enumerate(itertools.pairwise(bounds)):
        low, high = kept[start], kept[end - 1] + 1
        part = rows.slice(low, high - low).filter(pa.array(first[low:high]))
        yield write_table(place, shard_name(unit), part)
