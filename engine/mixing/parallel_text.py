"""Parallel text and the two tasks made of it: translate a sentence, complete a sentence (SDRRL)."""

import gzip
import hashlib
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl
import pyarrow as pa
from icu4py.breakers import CharacterBreaker

from polydistill.engine.config import Parallel
from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language
from polydistill.engine.mixing import instructions, pair_files
from polydistill.engine.mixing.leakage import Index
from polydistill.engine.mixing.pair_files import PairFile
from polydistill.engine.mixing.recipe import Subset
from polydistill.engine.mixing.subsets import Counts, mixture
from polydistill.engine.seeds import row_bits, uniform
from polydistill.engine.text.words import UNSPACED

_BORDER = re.compile(r"(?<=\S)\s")
_BATCH = 65_536  # pairs held at once beside those already drawn


@dataclass(frozen=True)
class Drawn:
    """The pairs drawn for one pair of languages."""

    frame: pl.DataFrame  # id, source, target
    path: str
    lines: int  # in the file
    dropped: dict[str, int]  # reason -> lines


def draw(
    config: Parallel, source: str, target: str, rows: int | None, seed: int, evaluation: Index | None = None
) -> Drawn:
    """`rows` pairs (all for None), drawn at random without repetition, in random order.

    Pairs near to an evaluation set are left out. The draw is a function of (seed, the pair's text) alone, whatever
    the file's order; memory holds the pairs drawn and one batch, so a file may be of any size.

    Raises:
        UserError: no file for the languages, or fewer pairs than asked for.
    """
    file = pair_files.find(config.path, source, target)
    if file is None:
        raise UserError(
            f"no parallel text for {source}-{target} in {config.path} "
            f"(looked for {pair_files.expected(source, target)}, "
            "the other way round, and line-by-line files like x.en-de.en with x.en-de.de). Add it, or drop the subsets "
            "with a task, e.g. --set subsets.mt=null"
        )
    dropped = {"malformed": 0, "empty": 0, "duplicate": 0, "leakage": 0}
    kept = pl.DataFrame(schema={"id": pl.String, "source": pl.String, "target": pl.String, "key": pl.Float64})
    lines = 0
    for batch in _batches(read(file, source, target), _BATCH):
        lines += len(batch)
        whole = [pair for pair in batch if pair is not None]
        good = [pair for pair in whole if pair[0] and pair[1]]
        dropped["malformed"] += len(batch) - len(whole)
        dropped["empty"] += len(whole) - len(good)
        ids = [hashlib.blake2b(f"{a}\0{b}".encode(), digest_size=8).hexdigest() for a, b in good]
        keys = uniform(seed, row_bits(ids), "parallel")
        columns = {"id": ids, "source": [a for a, _ in good], "target": [b for _, b in good], "key": keys}
        new = pl.DataFrame(columns, schema=kept.schema)
        if evaluation is not None:
            near = evaluation.leaks(new["source"]) | evaluation.leaks(new["target"])
            dropped["leakage"] += int(near.sum())
            new = new.filter(~near)
        both = pl.concat([kept, new])
        kept = both.unique("id", keep="first", maintain_order=True)
        dropped["duplicate"] += len(both) - len(kept)
        if rows is not None and len(kept) > 2 * rows + _BATCH:
            kept = kept.bottom_k(rows, by="key")
    kept = kept.sort("key", "id").head(len(kept) if rows is None else rows).drop("key")
    if len(kept) < (rows or 1):
        raise UserError(
            f"{file.path}: {rows or 1} pairs asked for, {len(kept)} usable; ask for fewer (mix: parallel.rows, null: "
            "all; similarity: --sentences)"
        )
    return Drawn(kept, str(file.path), lines, dropped)


def read(file: PairFile, source: str, target: str) -> Iterator[tuple[str, str] | None]:
    """(source, target) of every line; None for a line that is no pair.

    Two line-by-line files (OPUS, Moses), JSONL with the two texts under their languages' names (also inside
    "translation", as OPUS on the Hub), or two columns separated by TAB.

    Raises:
        UserError: bad UTF-8, or line files of different length.
    """
    order = slice(None, None, -1) if file.inverted else slice(None)
    try:
        with _open(file.path) as first:
            if file.other is not None:
                with _open(file.other) as second:
                    for pair in _zip(first, second, file):
                        yield pair[order]  # type: ignore[misc]
                return
            jsonl = ".json" in file.path.name
            names = [set(pair_files.spellings(code)) for code in (source, target)]
            for line in first:
                found = _json_pair(line, names) if jsonl else _tsv_pair(line)
                yield found if found is None or jsonl else found[order]  # type: ignore[misc]
    except UnicodeDecodeError as error:
        raise UserError(f"{file.path}: not UTF-8 ({error.reason} at byte {error.start} of a block)") from error


def _open(path: Path) -> IO[str]:
    # Only "\n" ends a line: texts hold U+2028 and the like, which would put two files out of step.
    return io.TextIOWrapper(gzip.open(path) if path.suffix == ".gz" else open(path, "rb"), "utf-8", newline="\n")


def _zip(first: Iterable[str], second: Iterable[str], file: PairFile) -> Iterator[tuple[str, str]]:
    try:
        for a, b in zip(first, second, strict=True):
            yield a.strip(), b.strip()
    except ValueError as error:
        raise UserError(f"{file.path} and {file.other} have different numbers of lines") from error


def _tsv_pair(line: str) -> tuple[str, str] | None:
    cells = line.rstrip("\r\n").split("\t")
    return (cells[0].strip(), cells[1].strip()) if len(cells) == 2 else None


def _json_pair(line: str, names: list[set[str]]) -> tuple[str, str] | None:
    """The texts under the languages' names, whatever their order."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    value = value.get("translation", value) if isinstance(value, dict) else value
    if not isinstance(value, dict):
        return None
    texts = [next((value[key] for key in value if key in spelled), None) for spelled in names]
    return (texts[0].strip(), texts[1].strip()) if all(isinstance(text, str) for text in texts) else None  # type: ignore[union-attr]


def _batches(items: Iterator[tuple[str, str] | None], size: int) -> Iterator[list[tuple[str, str] | None]]:
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def task_subset(
    frame: pl.DataFrame, name: str, subset: Subset, source: str, target: str, seed: int, counts: Counts
) -> list[pa.Table]:
    """The MIXTURE rows that one task subset makes of drawn pairs (columns id, source, target)."""
    if subset.task == "translate":
        return list(_translate(frame, name, subset, source, target, seed, counts))
    sides = {"source": [source], "target": [target], "both": [source, target]}[subset.language]
    return [_complete(frame, name, subset, source, target, side, seed, counts) for side in sides]


def _translate(
    frame: pl.DataFrame, name: str, subset: Subset, source: str, target: str, seed: int, counts: Counts
) -> Iterator[pa.Table]:
    sides = {"source": source, "target": target}
    for first, second in (("source", "target"), ("target", "source")):
        if subset.directions == ("backward" if first == "source" else "forward"):
            continue
        names = {"source": get_language(sides[first]).name, "target": get_language(sides[second]).name}
        texts = [text.format(**names) for text in instructions.templates(subset.templates, "translate")]
        columns = _columns(frame["id"], texts, frame[first], frame[second], seed, f"template:{name}:{first}")
        counts.rows[name, target] += len(frame)
        yield mixture(columns, name, source, target, sides[first], sides[second], subset.weight)


def _complete(
    frame: pl.DataFrame, name: str, subset: Subset, source: str, target: str, side: str, seed: int, counts: Counts
) -> pa.Table:
    ends = cuts(frame["source" if side == source else "target"].to_list(), frame["id"], side, seed)
    part = frame.filter(pl.Series([end > 0 for end in ends], dtype=pl.Boolean))
    text = part["source" if side == source else "target"]
    prefix = pl.Series([t[:end] for t, end in zip(text, filter(None, ends))], dtype=pl.String)
    texts = [t.format(language=get_language(side).name) for t in instructions.templates(subset.templates, "complete")]
    columns = _columns(part["id"], texts, prefix, text, seed, f"template:{name}")
    if len(part) < len(frame):
        counts.dropped[name, target, "text:one_word"] += len(frame) - len(part)
    counts.rows[name, target] += len(part)
    return mixture(columns, name, source, target, side, side, subset.weight)


def _columns(
    ids: pl.Series, instructions_: list[str], input: pl.Series, response: pl.Series, seed: int, purpose: str
) -> dict[str, pa.Array]:
    which = (uniform(seed, ids.to_list(), purpose) * len(instructions_)).astype(np.int64)
    none = pa.array(np.zeros(len(ids), np.int32))
    texts = {"id": ids, "input": input, "response": response}
    return {
        **{key: value.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()) for key, value in texts.items()},
        "instruction": pa.array(instructions_).take(pa.array(which)),
        "answer": pa.repeat("parallel", len(ids)),
        "switched": none,
        "switchable": none,
    }


def cuts(texts: list[str], ids: pl.Series, flores: str, seed: int) -> list[int]:
    """Where to cut each text in two, at a random border: characters of the beginning; 0 where it has no border.

    Borders lie between words, or between characters (as ICU sees them) in languages without spaces; neither the empty
    text nor the whole is drawn.
    """
    draws = uniform(seed, ids.to_list(), "cut")
    unspaced, locale = get_language(flores).script in UNSPACED, get_language(flores).locale
    ends = []
    for text, draw in zip(texts, draws.tolist()):
        if unspaced:
            borders = list(itertools.accumulate(len(part) for part in CharacterBreaker(text, locale)))[:-1]
        else:
            borders = [match.start() for match in _BORDER.finditer(text.rstrip())]
        ends.append(borders[int(draw * len(borders))] if borders else 0)
    return ends
