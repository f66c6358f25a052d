"""Judging: language ID, rules and quality estimation of every hypothesis, cheapest test first, every score stored.

`JudgeStage` measures; `reasons` decides. The decision uses stored scores and flags only, so it can be taken again
with other thresholds in no time, over a pool that took GPU hours.

Quality estimation, by far the dearest test, runs on the texts that no other test has failed; for the rest `quality`
is null. Where thresholds are loosened later, such a text's reason is "unscored", never a silent pass.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.config import Judge
from polydistill.engine.judging import rules
from polydistill.engine.judging.decision import decide, has_text, reasons
from polydistill.engine.judging.language_id import LanguageID
from polydistill.engine.schema import FIELDS, POOL, SCORES, TRANSLATED
from polydistill.engine.text import profile as text_profile

Values = dict[str, np.ndarray]


class JudgeStage:
    """Judges translated tables. One instance holds one language-ID and one quality model."""

    reads = tuple(TRANSLATED.names)
    writes = tuple(name for name in POOL.names if name not in TRANSLATED.names)

    def __init__(self, judge: Judge, device: str = "cpu") -> None:
        """Load the models.

        Raises:
            UserError: a model is not there or not usable.
        """
        self.judge = judge
        self.language_id = language_id(judge.language_id)
        self.comet: Any = None
        if judge.quality is not None:
            from polydistill.engine.judging.comet import Comet

            q = judge.quality
            self.comet = Comet.load(q.model, q.encoder, device, q.dtype, q.batch_tokens)

    def __call__(self, table: pa.Table) -> pa.Table:
        """Judge a TRANSLATED table: the same rows in the same order, as POOL."""
        keys = pc.binary_join_element_wise(table["target"], table["source"], " ")
        parts, order = [], []
        for key in pc.unique(keys).to_pylist():
            rows = np.flatnonzero(pc.equal(keys, key).to_numpy(zero_copy_only=False))
            order.append(rows)
            parts.append(self._judge(table if len(rows) == table.num_rows else table.take(rows), *key.split()))
        if not parts:
            return POOL.empty_table()
        judged = pa.concat_tables(parts)
        rows = np.concatenate(order)
        return judged if (np.diff(rows) == 1).all() else judged.take(np.argsort(rows))

    def _judge(self, table: pa.Table, target: str, source: str) -> pa.Table:
        """Judge rows of one target and one source language."""
        texts = _Texts.of(table)
        profile = text_profile.profile(texts.distinct, text_profile.script_mask(target))
        scores, flags = self._measure(texts, profile, target, source)
        own = [_own_flags(table, texts, profile, number) for number in range(len(FIELDS))]
        fields = [_of_field(texts, number, scores, flags, own) for number in range(len(FIELDS))]
        if self.comet is not None:
            rest = self.judge.model_copy(update={"quality": None})
            passed = texts.active & np.stack([decide(*field, target, rest) == "" for field in fields])
            self._estimate(texts, np.unique(texts.pair[passed]), scores, flags)
            fields = [_of_field(texts, number, scores, flags, own) for number in range(len(FIELDS))]
        for number, field in enumerate(FIELDS):
            table = table.append_column(f"scores_{field}", _pack(*fields[number], texts.active[number]))
        return reasons(table, self.judge)

    def _measure(
        self, texts: "_Texts", profile: text_profile.Profile, target: str, source: str
    ) -> tuple[Values, Values]:
        """Scores and flags of the distinct pairs, quality apart."""
        pairs = rules.Pairs.of(profile, texts.source, texts.hypothesis, target)
        flags = {name: rule(pairs, self.judge.rules) for name, rule in rules.TEXT_RULES.items()}
        same = profile.literal[texts.source] == profile.literal[texts.hypothesis]
        copies = np.flatnonzero(same & (profile["letters"][texts.hypothesis] > 0))
        copied = texts.distinct.take(pa.array(texts.hypothesis[copies])).to_pylist()
        flags["code"][copies] = rules.code_copies(copied, source, self.judge.rules)
        scores = rules.measures(pairs, self.judge.rules, flags["code"])
        scores |= self._languages(texts, profile, flags["code"], target, source)
        n = len(texts.source)
        scores["quality"] = np.full(n, np.nan, np.float32)
        flags |= {name: np.zeros(n, bool) for name in ("quality_error", "quality_partial")}
        return scores, flags

    def _languages(
        self, texts: "_Texts", profile: text_profile.Profile, code: np.ndarray, target: str, source: str
    ) -> Values:
        """Language ID of the distinct pairs' hypotheses; null where there is too little to go by.

        A text of a few words is too easily taken for a kindred language: there only source and target count. So it
        is for targets that the model does not know. A copy of the source is identified however short it is.
        """
        limits = self.judge.rules
        letters = profile["letters"][texts.hypothesis]
        copy = (profile.literal[texts.source] == profile.literal[texts.hypothesis]) & (letters > 2)
        rows = np.flatnonzero(~code & ((letters >= limits.letters) | copy))
        hypotheses, where = np.unique(texts.hypothesis[rows], return_inverse=True)
        found = self.language_id.identify(texts.distinct.take(pa.array(hypotheses)), target)
        language = np.array([*found.language, None], object)[where]
        sure = self.language_id.covers(target) & (letters[rows] >= limits.letters_other)
        counts = sure | (language == source) | (language == target)
        columns = {
            "language": language,
            "language_score": found.score[where],
            "target_share": found.target_share[where],
        }
        if not self.language_id.covers(target):
            columns["target_share"] = np.full(len(rows), np.nan, np.float32)
        scores: Values = {}
        for name, column in columns.items():
            scores[name] = np.full(len(letters), None if column.dtype == object else np.nan, column.dtype)
            scores[name][rows[counts]] = column[counts]
        return scores

    def _estimate(self, texts: "_Texts", pairs: np.ndarray, scores: Values, flags: Values) -> None:
        """Fill in the quality of `pairs`; a text that the model cannot score is flagged, not scored low."""
        if not len(pairs):
            return
        sources = texts.distinct.take(pa.array(texts.source[pairs])).to_pylist()
        hypotheses = texts.distinct.take(pa.array(texts.hypothesis[pairs])).to_pylist()
        values = self.comet.score(sources, hypotheses)
        scores["quality"][pairs] = values
        flags["quality_partial"][pairs] = self.comet.overlong(sources, hypotheses)
        flags["quality_error"][pairs] = np.isnan(values)


@functools.cache
def language_id(model: str) -> LanguageID:
    """The language-ID model, loaded once per process."""
    return LanguageID(model)


@dataclass(frozen=True)
class _Texts:
    """The texts of a table without repetition: the distinct texts, and the distinct pairs of them.

    Of shape (fields, rows): `given`, whether there is something to translate; `active`, whether there is a hypothesis
    as well; `pair`, which pair stands there (counts only where active).
    """

    distinct: pa.Array
    source: np.ndarray  # int64 (pairs,)
    hypothesis: np.ndarray  # int64 (pairs,)
    pair: np.ndarray
    given: np.ndarray
    active: np.ndarray
    indices: np.ndarray  # int64 (fields, 2, rows): source and hypothesis text of each cell

    @classmethod
    def of(cls, table: pa.Table) -> "_Texts":
        n = table.num_rows
        columns = [name for field in FIELDS for name in (field, f"mt_{field}")]
        chunks = [chunk for name in columns for chunk in table[name].chunks]
        encoded = pc.dictionary_encode(pc.fill_null(pa.chunked_array(chunks, pa.string()), "")).combine_chunks()
        distinct = encoded.dictionary
        indices = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64).reshape(len(FIELDS), 2, n)
        given = np.stack([has_text(table, f) for f in FIELDS])
        made = np.stack([pc.is_valid(table[f"mt_{f}"]).to_numpy(zero_copy_only=False) for f in FIELDS])
        active = given & made
        keys = indices[:, 0] * len(distinct) + indices[:, 1]
        unique, where = np.unique(keys[active], return_inverse=True)
        pair = np.zeros(keys.shape, np.int64)
        pair[active] = where
        size = max(len(distinct), 1)
        return cls(distinct, unique // size, unique % size, pair, given, active, indices)


def _own_flags(table: pa.Table, texts: _Texts, profile: text_profile.Profile, number: int) -> dict[str, np.ndarray]:
    """Flags of a row's field rather than of a pair of texts: the translator's notes, and how fields compare."""
    field = FIELDS[number]
    flags: dict[str, np.ndarray] = {}
    notes = table[f"notes_{field}"].combine_chunks()
    rows, names = pc.list_parent_indices(notes).to_numpy(), pc.list_flatten(notes)
    for name in pc.unique(names).to_pylist():
        hit = np.zeros(table.num_rows, bool)
        hit[rows[pc.equal(names, name).to_numpy(zero_copy_only=False)]] = True
        short = name.partition(":")[0]
        flags[short] = flags.get(short, False) | hit
    if field in ("truth", "self"):
        flags["equals_input"] = equals_input(texts, profile, number)
    if field == "self":
        flags["source_truncated"] = (
            pc.equal(table["self_error"], "length").fill_null(False).to_numpy(zero_copy_only=False)
        )
    return flags


def equals_input(texts: _Texts, profile: text_profile.Profile, number: int) -> np.ndarray:
    """The answer's translation says the same as the input's although the originals differ: bool (rows,).

    So it goes when "Correct this sentence" is translated: the mistake is gone from the input. Where the originals
    differ in words, the translations are compared as words; where they differ in punctuation or case only, literally.
    """
    question = FIELDS.index("input")
    both = texts.active[number] & texts.active[question]
    words, literal = profile.digest[texts.indices], profile.literal[texts.indices]  # (fields, original and mt, rows)
    differ = words[number, 0] != words[question, 0]
    same = words[number, 1] == words[question, 1]
    differ_literally = literal[number, 0] != literal[question, 0]
    same_literally = literal[number, 1] == literal[question, 1]
    return both & ((differ & same) | (differ_literally & same_literally))


def _of_field(texts: _Texts, number: int, scores: Values, flags: Values, own: list[Values]) -> tuple[Values, Values]:
    """Scores and flags of one field, by rows; rows without a pair have none."""
    rows, active = texts.pair[number], texts.active[number]
    values: Values = {}
    for name, column in scores.items():
        nothing = None if column.dtype == object else np.nan
        values[name] = np.full(len(active), nothing, column.dtype)
        values[name][active] = column[rows[active]]
    names = dict(own[number])
    for name, fired in flags.items():
        hit = np.zeros(len(active), bool)
        hit[active] = fired[rows[active]]
        names[name] = hit
    return values, names


def _pack(values: Values, flags: Values, active: np.ndarray) -> pa.Array:
    """Scores and flags as one struct column; null where there is no hypothesis."""
    count = len(active)
    matrix = np.stack(list(flags.values()), axis=1) & active[:, None]
    rows, which = np.nonzero(matrix)
    offsets = np.searchsorted(rows, np.arange(count + 1)).astype(np.int32)
    names = pa.array(list(flags)).take(pa.array(which))
    columns: list[pa.Array] = []
    for field in SCORES:
        if field.name == "flags":
            columns.append(pa.ListArray.from_arrays(pa.array(offsets), names))
        else:
            columns.append(pa.array(values[field.name], field.type, from_pandas=True))
    return pa.StructArray.from_arrays(columns, fields=list(SCORES), mask=pa.array(~active))
