"""The texts of a table without repetition, and what a row's fields say about each other."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.judging.decision import has_text
from polydistill.engine.judging.verdicts import Columns, list_flags
from polydistill.engine.schema import FIELDS, Flag
from polydistill.engine.text.profile import Profile


@dataclass(frozen=True)
class DistinctTexts:
    """The distinct texts of a TRANSLATED table, and the distinct pairs of source and hypothesis among them.

    Attributes:
        distinct: the texts.
        source, hypothesis: int64 (pairs,), indices into `distinct`.
        pair: int64 (fields, rows), which pair stands there; counts only where active.
        active: bool (fields, rows), whether there is something to translate and a hypothesis.
        cells: int64 (fields, 2, rows), source and hypothesis text of each cell.
    """

    distinct: pa.Array
    source: np.ndarray
    hypothesis: np.ndarray
    pair: np.ndarray
    active: np.ndarray
    cells: np.ndarray

    @classmethod
    def of(cls, table: pa.Table) -> "DistinctTexts":
        """Find them."""
        n = table.num_rows
        columns = [name for field in FIELDS for name in (field, f"mt_{field}")]
        chunks = [chunk for name in columns for chunk in table[name].chunks]
        encoded = pc.dictionary_encode(pc.fill_null(pa.chunked_array(chunks, pa.string()), "")).combine_chunks()
        distinct = encoded.dictionary
        cells = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64).reshape(len(FIELDS), 2, n)
        given = np.stack([has_text(table, f) for f in FIELDS])
        made = np.stack([pc.is_valid(table[f"mt_{f}"]).to_numpy(zero_copy_only=False) for f in FIELDS])
        active = given & made
        keys = cells[:, 0] * len(distinct) + cells[:, 1]
        unique, where = np.unique(keys[active], return_inverse=True)
        pair = np.zeros(keys.shape, np.int64)
        pair[active] = where
        size = max(len(distinct), 1)
        return cls(distinct, unique // size, unique % size, pair, active, cells)

    def texts(self, which: np.ndarray) -> pa.Array:
        """The texts with these indices."""
        return self.distinct.take(pa.array(which))


def row_flags(table: pa.Table, texts: DistinctTexts, profile: Profile, number: int) -> Columns:
    """Flags of a row's field rather than of a pair of texts: the translator's notes, and how fields compare.

    Args:
        table: TRANSLATED rows.
        texts: their texts.
        profile: of `texts.distinct`.
        number: of the field, in FIELDS.
    """
    field = FIELDS[number]
    flags: Columns = {}
    for name, fired in list_flags(table[f"notes_{field}"].combine_chunks()).items():
        short = name.partition(":")[0]  # "error: ..." carries the message
        flags[short] = flags.get(short, False) | fired
    if field in ("truth", "self"):
        flags[Flag.EQUALS_INPUT] = equals_input(texts, profile, number)
    if field == "self":
        cut = pc.is_in(table["self_error"], pa.array(["length", "context"])).fill_null(False)
        flags[Flag.SOURCE_TRUNCATED] = cut.to_numpy(zero_copy_only=False)
    return flags


def equals_input(texts: DistinctTexts, profile: Profile, number: int) -> np.ndarray:
    """The answer's translation says the same as the input's although the originals differ: bool (rows,).

    So it goes when "Correct this sentence" is translated: the mistake is gone from the input. Where the originals
    differ in words, the translations are compared as words; where they differ in punctuation or case only, literally.
    """
    question = FIELDS.index("input")
    both = texts.active[number] & texts.active[question]
    words, literal = profile.digest[texts.cells], profile.literal[texts.cells]  # (fields, original and mt, rows)
    differ = words[number, 0] != words[question, 0]
    same = words[number, 1] == words[question, 1]
    differ_literally = literal[number, 0] != literal[question, 0]
    same_literally = literal[number, 1] == literal[question, 1]
    return both & ((differ & same) | (differ_literally & same_literally))
