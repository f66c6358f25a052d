"""Sources become prompts: cleaned, identified, without duplicates, in shards of equal size.

A row's id is a hash of its language and its texts, so it is the same in every file and run; rows with equal ids are
`duplicate`s of the first. Memory does not grow with the texts or with rows that are dropped: rows pass through local
files, and 8 bytes of each id stay in memory.
"""

import hashlib
import itertools
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc

from polydistill.engine.config import PromptSource
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.prompts import artifact
from polydistill.engine.prompts.artifact import DROPPED as DROPPED_FILE
from polydistill.engine.prompts.artifact import MANIFEST, Prompts, PromptsRecord, open_prompts, write_prompts
from polydistill.engine.prompts.cleaning import clean
from polydistill.engine.prompts.fields import EXCERPT
from polydistill.engine.prompts.sources import Source, open_sources
from polydistill.engine.prompts.spool import DROPPED, Spool
from polydistill.engine.screen import visible
from polydistill.engine.seeds import uniform
from polydistill.engine.storage.run_folder import PROMPTS, shard_name
from polydistill.engine.storage.shards import Folder, Shard, write_table, write_tables


def prepare(
    configs: list[PromptSource],
    default_language: str,
    root: Folder,
    unit_rows: int,
    seed: int = 0,
    check: Callable[[str], object] = lambda fingerprint: None,
) -> Prompts:
    """Read all sources into `prompts/`; a second call with the same sources only reads the record.

    Args:
        configs: the sources, in order.
        default_language: language of rows that name none.
        root: the run's folder.
        unit_rows: maximum number of rows in a shard. The rows are spread evenly over as few shards as that allows.
        seed: of the samples that sources ask for.
        check: is given the prompts' fingerprint before anything is written, and may refuse it.

    Raises:
        UserError: an unreadable source, no usable row, or the folder was made from other sources (says what differs).
    """
    sources = open_sources(configs, default_language)
    drawn = seed if any(config.sample for config in configs) else None
    if found := _whole(root):
        return _reuse(found, sources, unit_rows, drawn)
    inputs = [source.input() for source in sources]
    fingerprint = artifact.fingerprint_of(inputs, unit_rows, drawn)
    check(fingerprint)
    folder = root / PROMPTS
    targets = sorted({target for source in sources for target in source.translated})
    with tempfile.TemporaryDirectory(prefix="polydistill-") as local, Spool(Path(local), targets) as spool:
        for number, source in enumerate(sources):
            _read(source, number, spool)
        spool.close_rows()
        first = _first(spool.ids)
        _drop_duplicates(first, spool)
        spool.close_dropped()
        kept = _sampled(first, sources, spool, seed)
        units = list(_units(_chosen(spool.batches("rows"), kept), kept.sum(), folder, unit_rows))
        given, translated = {}, {}
        for target in targets:
            shards = _units(_chosen(spool.batches(target), kept), kept.sum(), folder, unit_rows, f"{target}/")
            given[target] = list(shards)
            asked = (table["instruction"] for table in _chosen(spool.batches(target), kept))
            translated[target] = sum(len(texts) - texts.null_count for texts in asked)
        dropped_rows = write_tables(folder, DROPPED_FILE, DROPPED, spool.batches("dropped"), compression="zstd")
    record = PromptsRecord(
        fingerprint=fingerprint,
        inputs=inputs,
        unit_rows=unit_rows,
        seed=drawn,
        units=units,
        rows_read=spool.read,
        rows_kept=int(kept.sum()),
        dropped=dict(sorted(spool.reasons.items())),
        mended=dict(sorted(spool.notes.changed.items())),
        unused={name: dict(sorted(found.items())) for name, found in spool.notes.unused.items() if found},
        given=given,
        translated=translated,
        translations_lost={target: dict(sorted(found.items())) for target, found in spool.notes.lost.items() if found},
        dropped_rows=dropped_rows,
    )
    for line in record.left_out():
        print(visible(line), file=sys.stderr)
    if not units:
        raise UserError(
            f"no usable row in {', '.join(file.name for i in inputs for file in i.files)}: {record.dropped}"
        )
    return write_prompts(folder, record)


def row_ids(frame: pl.DataFrame) -> pl.Series:
    """Ids of cleaned rows: 16 hex digits of blake2b over language, instruction, input and truth.

    System prompt and history are hashed as well where a row has them.
    """
    # Cleaned texts hold no NUL, so the parts cannot run into each other.
    keys = frame.select(pl.concat_str("source", "instruction", "input", "truth", separator="\0")).to_series().to_list()
    for i in frame.select((pl.col("system").is_not_null() | pl.col("history").is_not_null()).arg_true()).to_series():
        talk = [frame["system"][i], frame["history"].slice(i, 1).to_list()[0]]
        keys[i] += "\0" + json.dumps(talk, ensure_ascii=False)
    blake2b = hashlib.blake2b
    return pl.Series("id", [blake2b(key.encode(), digest_size=8).hexdigest() for key in keys], dtype=pl.String)


def _whole(root: Folder) -> Prompts | None:
    """The prompts in a run's folder; None where there are none, or where a file is damaged, which is said."""
    if not (root / PROMPTS).exists(MANIFEST):
        return None
    try:
        found = open_prompts(root)
        problems = found.verify()
    except DamagedError as error:
        problems = [str(error)]
    for problem in problems:
        print(f"{problem} This is being done.", file=sys.stderr)
    return None if problems else found


def _reuse(found: Prompts, sources: list[Source], unit_rows: int, seed: int | None) -> Prompts:
    """Prompts that exist already, if they are those that are wanted."""
    before = found.record
    known = [file for source in before.inputs for file in source.files]
    known += [file for source in before.inputs for given in source.translations.values() for file in given.files]
    inputs = [source.input(known) for source in sources]
    if artifact.fingerprint_of(inputs, unit_rows, seed) != before.fingerprint:
        differs = artifact.differences(before, inputs, unit_rows, seed)
        raise UserError(
            f"{found.folder.root} was made from other prompts: {'; '.join(differs)}. "
            "Use another output folder, or undo the change."
        )
    return found


def _read(source: Source, number: int, spool: Spool) -> None:
    """Read one source, clean its rows and tell the usable ones from the others."""
    for batch in source.frames(spool.notes):
        frame, kinds = clean(batch.frame, source.config)
        spool.read += frame.height
        spool.notes.changed.update(kinds)
        frame = frame.with_columns(
            source=pl.col("language").fill_null(source.language),
            origin=pl.lit(f"{batch.part}:") + pl.col("row").cast(pl.String),
        )
        mask = frame["reason"].is_null()
        kept = frame.filter(mask)
        given = {target: texts.filter(mask) for target, texts in batch.given.items()}
        spool.keep(kept.with_columns(row_ids(kept)), given, number)
        spool.drop(frame.filter(~mask).select(DROPPED.names).to_arrow().cast(DROPPED))


def _first(ids: np.ndarray) -> np.ndarray:
    """Which rows are the first of their id: bool of shape (rows,)."""
    return pl.Series(ids, dtype=pl.UInt64).is_first_distinct().to_numpy()


def _chosen(tables: Iterable[pa.Table], mask: np.ndarray) -> Iterator[pa.Table]:
    """The rows of consecutive tables for which `mask`, bool of shape (rows,), is true."""
    start = 0
    for table in tables:
        yield table.filter(pa.array(mask[start : start + table.num_rows]))
        start += table.num_rows


def _drop_duplicates(first: np.ndarray, spool: Spool) -> None:
    for again in _chosen(spool.batches("rows"), ~first):
        excerpts = pc.utf8_slice_codeunits(again["instruction"], 0, EXCERPT)
        reasons = pa.array(["duplicate"] * again.num_rows, pa.string())
        spool.drop(pa.table([again["origin"], reasons, excerpts], schema=DROPPED))


def _sampled(first: np.ndarray, sources: list[Source], spool: Spool, seed: int) -> np.ndarray:
    """Which rows stay: the first of their id and, where a source asks for a sample, drawn. Bool of shape (rows,)."""
    kept, ids, start = first.copy(), spool.ids, 0
    for number, source in enumerate(sources):
        end = start + spool.counts[number]
        size, usable = source.config.sample, np.flatnonzero(first[start:end]) + start
        if size is not None and size < len(usable):
            # The draw depends on the rows' content alone, so that it is the same in every order of the files.
            order = np.argsort(uniform(seed, ids[usable], "sample"), kind="stable")
            kept[usable[order[size:]]] = False
            spool.reasons["not_sampled"] += len(usable) - size
        start = end
    return kept


def _units(tables: Iterable[pa.Table], rows: int, folder: Folder, unit_rows: int, prefix: str = "") -> Iterator[Shard]:
    """Write rows as shards whose sizes differ by one row at most.

    Args:
        tables: the rows.
        rows: their number.
        folder: `prompts/`.
        unit_rows: maximum number of rows in a shard.
        prefix: of the shards' names.
    """
    count = math.ceil(rows / unit_rows)
    bounds = [round(i * rows / count) for i in range(count + 1)] if count else []
    sizes = [end - start for start, end in itertools.pairwise(bounds)]
    waiting: list[pa.Table] = []
    unit = have = 0
    for table in tables:
        waiting.append(table)
        have += table.num_rows
        while unit < count and have >= sizes[unit]:
            together = pa.concat_tables(waiting)
            mine = together.slice(0, sizes[unit]).take(pa.array(range(sizes[unit])))
            yield write_table(folder, f"{prefix}{shard_name(unit)}", mine)
            waiting, have, unit = [together.slice(sizes[unit])], have - sizes[unit], unit + 1
