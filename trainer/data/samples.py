"""Samples on disk: sharded Arrow files of tokens that ranks memory-map.

out/tokens/000000.arrow    TOKENS rows (see `trainer.data.tokenization`), one sample each
out/tokens/manifest.json   shards, subsets, counts, what was dropped and why, fingerprint
"""

import functools
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from polydistill.engine import seeds
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.shards import Folder, Shard, check_shard, read_shard, read_table, write_table
from polydistill.trainer.data.tokenization import TOKENS, Tokenization, tokenize
from polydistill.trainer.records import SubsetFigures, TokensPart, TokensRecord


def write_part(
    mixture: Mixture, tokens: Folder, tokenizer: Tokenizer, how: Tokenization, rank: int, ranks: int, key: str
) -> None:
    """Tokenize the mixture's shards rank, rank + ranks, ...: a shard already there whole under `key` is kept.

    Raises:
        DamagedError: a shard of the mixture is missing or is not what was written.
    """
    for index in range(rank, len(mixture.record.shards), ranks):
        name, record = f"{index:06}.arrow", f"{index:06}.json"
        if _is_there(tokens, record, key):
            continue
        table, counts = tokenize(mixture.table(mixture.record.shards[index]), tokenizer, mixture.record.weights, how)
        write_record(tokens, record, TokensPart(key, write_table(tokens, name, table), dict(counts)))


def _is_there(tokens: Folder, record: str, key: str) -> bool:
    if not tokens.exists(record):
        return False
    try:
        part = read_record(tokens, record, TokensPart)
        if part.fingerprint != key:
            return False
        check_shard(tokens, part.shard)
    except DamagedError:
        return False
    return True


def write_manifest(mixture: Mixture, tokens: Folder, key: str) -> TokensRecord:
    """Gather the parts' records into the manifest, and say what is wrong with the data as a whole."""
    parts = [read_record(tokens, f"{index:06}.json", TokensPart) for index in range(len(mixture.record.shards))]
    dropped = sum((Counter(part.counts) for part in parts), Counter())
    shards = tuple(part.shard for part in parts)
    record = TokensRecord(key, shards, mixture.record.weights, dict(sorted(dropped.items())), {})
    samples = Samples.open(tokens, record)
    trained = ~samples.validation
    figures = {
        name: SubsetFigures(
            samples=int((trained & (samples.subset == index)).sum()),
            answer_tokens=int(samples.answer[trained & (samples.subset == index)].sum()),
            validation_samples=int((samples.validation & (samples.subset == index)).sum()),
        )
        for index, name in enumerate(mixture.record.weights)
    }
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items()) or "nothing was dropped"
    if not trained.any():
        raise UserError(f"{mixture.folder.root}: no sample is left to train on ({reasons})")
    empty = [name for name, figure in figures.items() if not figure.samples]
    if empty:
        raise UserError(
            f"{mixture.folder.root}: no sample is left of subset {', '.join(empty)} ({reasons}). "
            "Raise train.max_tokens, or set train.too_long=truncate, or leave the subset out of the recipe."
        )
    record = replace(record, figures=figures)
    write_record(tokens, "manifest.json", record)
    return record


@dataclass(frozen=True)
class Samples:
    """All samples, memory-mapped; small columns as arrays over all shards."""

    flat: list[np.ndarray]  # one int32 array of tokens for each shard
    shard: np.ndarray  # by sample: which of them
    start: np.ndarray  # by sample: its first token there
    length: np.ndarray  # tokens
    prompt: np.ndarray  # tokens before the first that is learned
    gaps: np.ndarray  # int64 (gaps, 3): sample (ascending), first token and last + 1 of what is not learned behind it
    subset: np.ndarray
    weight: np.ndarray  # of the sample among those of its subset, float64
    validation: np.ndarray
    place: Folder
    files: list[Shard]

    @functools.cached_property
    def answer(self) -> np.ndarray:
        """Answer tokens (the supervised ones) by sample."""
        unlearned = np.bincount(self.gaps[:, 0], self.gaps[:, 2] - self.gaps[:, 1], minlength=len(self.length))
        return self.length - self.prompt - unlearned.astype(np.int64)

    def tokens(self, sample: int) -> np.ndarray:
        """int32 tokens of one sample: a view into the mapped file."""
        start = self.start[sample]
        return self.flat[self.shard[sample]][start : start + self.length[sample]]

    def gaps_of(self, numbers: np.ndarray) -> list[tuple[int, int, int]]:
        """(position in `numbers`, first token, last + 1) of what is not learned behind the prompts of some samples."""
        if not len(self.gaps):
            return []
        first, last = (np.searchsorted(self.gaps[:, 0], numbers, side=side) for side in ("left", "right"))
        return [
            (position, *self.gaps[gap, 1:].tolist())
            for position in range(len(numbers))
            for gap in range(first[position], last[position])
        ]

    def rows(self) -> np.ndarray:
        """By sample: the row that it was made of, as a number; samples of one row are its variants (uint64)."""
        ids = (read_table(self.place, file.path, ["id"])["id"].to_pylist() for file in self.files)
        return np.concatenate([seeds.row_bits(some) for some in ids])

    def row_id(self, sample: int) -> str:
        """The mixture's row id, for messages."""
        shard = int(self.shard[sample])
        first = int(np.searchsorted(self.shard, shard))
        return read_table(self.place, self.files[shard].path, ["id"])["id"][sample - first].as_py()

    @classmethod
    def open(cls, place: Folder, record: TokensRecord) -> "Samples":
        """Map the token shards of a record.

        Raises:
            DamagedError: a shard is missing or is not what was written.
        """
        files = list(record.shards)
        parts = [_Columns.of(read_shard(place, file)) for file in files]
        sizes = [len(part.length) for part in parts]
        before = np.cumsum([0, *sizes[:-1]])
        join = np.concatenate
        return cls(
            flat=[part.tokens for part in parts],
            shard=np.repeat(np.arange(len(parts), dtype=np.int32), sizes),
            start=join([part.start for part in parts]),
            length=join([part.length for part in parts]),
            prompt=join([part.prompt for part in parts]),
            gaps=join([part.gaps + np.array([first, 0, 0]) for part, first in zip(parts, before)]),
            subset=join([part.subset for part in parts]),
            weight=join([part.weight for part in parts]),
            validation=join([part.validation for part in parts]),
            place=place,
            files=files,
        )


@dataclass(frozen=True)
class _Columns:
    """One shard's columns as arrays; see `Samples`."""

    tokens: np.ndarray
    start: np.ndarray
    length: np.ndarray
    prompt: np.ndarray
    gaps: np.ndarray
    subset: np.ndarray
    weight: np.ndarray
    validation: np.ndarray

    @classmethod
    def of(cls, table: pa.Table) -> "_Columns":
        tokens, offsets = _lists(table, "tokens")
        edges, counts = _lists(table, "gaps")
        sample = np.repeat(np.arange(table.num_rows), np.diff(counts) // 2)
        return cls(
            tokens=tokens,
            start=offsets[:-1],
            length=np.diff(offsets),
            prompt=table["prompt"].to_numpy().astype(np.int64),
            gaps=np.column_stack([sample, edges.reshape(-1, 2)]).astype(np.int64),
            subset=table["subset"].to_numpy().astype(np.int64),
            weight=table["weight"].to_numpy().astype(np.float64),
            validation=table["validation"].to_numpy().astype(bool),
        )


def _lists(table: pa.Table, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A column of lists as the values behind each other, and where each list begins, int64 of shape (rows + 1,)."""
    column = table[name].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks else pa.array([], TOKENS.field(name).type)
    if not len(column):
        return np.zeros(0, np.int32), np.zeros(1, np.int64)
    return column.values.to_numpy(), column.offsets.to_numpy().astype(np.int64)
