"""The samples of one recipe from one stretch of the pool: which rows, which texts, and why not the others.

Functions on Arrow tables; `engine.mixing.worker` walks the pool and writes what comes out.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.mixing.codeswitch import Lexicon, Matches, matches, switch
from polydistill.engine.mixing.instructions import ask
from polydistill.engine.mixing.leakage import Index
from polydistill.engine.mixing.recipe import Recipe, Side, Subset
from polydistill.engine.schema import MIXTURE
from polydistill.engine.seeds import row_bits, uniform
from polydistill.engine.text.words import Words, find_words

QUESTION = ("instruction", "input")
READS = [
    *("id", "source", "instruction", "input", "truth", "self", "self_error"),
    *(f"mt_{name}" for name in ("instruction", "input", "truth", "self")),
    *(f"reason_{name}" for name in ("instruction", "input", "truth", "self")),
]
"""Pool columns that mixing reads."""

Lexicons = Callable[[str, str], Lexicon | None]
"""(language of the text, language of the replacements) -> lexicon; None where that pair stays unswitched."""

Reasons: TypeAlias = "pa.Array | None"
"""A reason for each row, null where it has none; None where no row has any."""


@dataclass
class Counts:
    """What became of the rows."""

    rows: Counter = field(default_factory=Counter)  # (subset, target) -> samples
    dropped: Counter = field(default_factory=Counter)  # (subset, target, reason) -> rows
    switched: Counter = field(default_factory=Counter)  # (language of the text, of the replacements) -> words replaced
    switchable: Counter = field(default_factory=Counter)  # the same: words that the dictionary covers

    def add(self, other: "Counts") -> None:
        """Add `other` to this one, in place."""
        for name in vars(self):
            getattr(self, name).update(getattr(other, name))


class Rows:
    """Pool rows of one source language in one target language, and what several subsets need of them."""

    def __init__(
        self, table: pa.Table, target: str, evaluation: Index | None = None, shared: dict[str, Any] | None = None
    ) -> None:
        """`shared` keeps what is made of the source texts, which are the same in every target language."""
        self.table, self.target, self.evaluation = table.combine_chunks(), target, evaluation
        self.source: str = table["source"][0].as_py()
        self._shared = {} if shared is None else shared
        self._own: dict[str, Any] = {}
        self.bits: np.ndarray = self._kept("bits", "id", lambda: row_bits(table["id"].to_pylist()))

    def _kept(self, what: str, column: str, make: Callable[[], Any]) -> Any:
        cache, key = self._own if column.startswith("mt_") else self._shared, f"{what}:{column}"
        if key not in cache:
            cache[key] = make()
        return cache[key]

    def language(self, side: Side | None) -> str:
        """The language of that side."""
        return self.source if side == "source" else self.target

    def column(self, name: str) -> pa.Array:
        """A column as one array."""
        return self.table[name].combine_chunks()

    def text(self, name: str) -> pa.Array:
        """A text column with "" for nulls."""
        column = self.column(name)
        return pc.fill_null(column, "") if column.null_count else column

    def words(self, name: str) -> Words:
        """The words in a text column, found once."""
        flores = self.language("target" if name.startswith("mt_") else "source")
        return self._kept("words", name, lambda: find_words(self.text(name), flores))

    def matches(self, name: str, lexicon: Lexicon) -> Matches:
        """What the lexicon covers of a column; kept for the other subsets that ask the same question."""
        key = f"matches:{name}:{id(lexicon)}"
        if key not in self._own:
            self._own[key] = matches(self.words(name), lexicon)
        return self._own[key]

    def leaks(self, name: str) -> Reasons:
        """The rows whose text in that column is too near to an evaluation set."""
        if self.evaluation is None:
            return None
        near = self._kept("leaks", name, lambda: self.evaluation.leaks(pl.Series(self.column(name))))  # type: ignore[union-attr]
        return _where(near, f"leakage:{name.removeprefix('mt_')}")

    def lost(self, name: str) -> Reasons:
        """Why the translation of a field is of no use; null where it is, or where there is nothing to translate."""
        missing = _given(self.column(name)) & pc.is_null(self.column(f"mt_{name}")).to_numpy(zero_copy_only=False)
        judged = self.column(f"reason_{name}")
        reason = _first(judged if judged.null_count < len(judged) else None, _where(missing, "untranslated"))
        return None if reason is None else pc.binary_join_element_wise(pa.scalar(f"{name}:"), reason, "")

    def answerless(self, name: str, translated: bool) -> Reasons:
        """Why a row has no answer of that name ("truth" or "self") to learn."""
        failed = None
        if name == "self":
            error = self.column("self_error")
            cut = pc.starts_with(error, "length")  # an answer cut at max_tokens would teach to stop in mid-sentence
            failed = _first(_where(cut, "self:length"), _where(pc.starts_with(error, "error"), "self:error"))
        empty = _where(~_given(self.column(name)), f"{name}:missing")
        after = (self.lost(name), self.leaks(f"mt_{name}")) if translated else ()
        return _first(failed, empty, *after, self.leaks(name))


def _given(texts: pa.Array) -> np.ndarray:
    """Which texts are neither null nor empty."""
    return pc.fill_null(pc.not_equal(texts, ""), False).to_numpy(zero_copy_only=False)


def _where(mask: np.ndarray | pa.Array, reason: str) -> Reasons:
    mask = pa.array(mask) if isinstance(mask, np.ndarray) else pc.fill_null(mask, False)
    return pc.if_else(mask, reason, pa.scalar(None, pa.string())) if pc.any(mask).as_py() else None


def _first(*reasons: Reasons) -> Reasons:
    """The first reason of each row."""
    some = [reason for reason in reasons if reason is not None]
    return pc.coalesce(*some) if some else None


def unusable(rows: Rows, recipe: Recipe, subset: Subset, seed: int) -> tuple[pa.Array, np.ndarray]:
    """Why each row cannot be used in a pool subset ("field:reason", null where it can), and whether its answer is y.

    The coin between y and y^ (SDRRL) is thrown once per prompt, whatever the language and the subset. Only what
    the subset needs is asked for: a bad translation of the question does no harm where the question stays as it is.
    """
    size = len(rows.bits)
    truth = uniform(seed, rows.bits, "coin") < recipe.coin(subset).truth_share
    reasons: list[Reasons] = []
    if subset.part is not None:
        reasons.append(_where(~_part(rows, recipe, subset.part, seed), "part:other"))
    if not subset.source_only and rows.source == rows.target:
        reasons.append(_where(np.ones(size, bool), "target:same_language"))
    for name in QUESTION:
        reasons += [rows.lost(name), rows.leaks(f"mt_{name}")] if subset.question == "target" else []
        reasons.append(rows.leaks(name))
    none = pa.nulls(size, pa.string())
    answers = (rows.answerless(name, subset.answer == "target") for name in ("truth", "self"))
    reasons.append(pc.if_else(truth, *(none if reason is None else reason for reason in answers)))
    return _first(*reasons), truth


def _part(rows: Rows, recipe: Recipe, name: str, seed: int) -> np.ndarray:
    """Whether each row falls into that part of the recipe's `parts`; drawn for each target language on its own."""
    parts = recipe.parts or {}
    ends = np.cumsum(list(parts.values()))
    ends[-1] = 1.0
    return np.searchsorted(ends, uniform(seed, rows.bits, f"part:{rows.target}"), side="right") == list(parts).index(
        name
    )


def pool_subset(
    rows: Rows,
    recipe: Recipe,
    name: str,
    seed: int,
    lexicons: Lexicons,
    counts: Counts,
    among: np.ndarray | None = None,
) -> pa.Table:
    """The MIXTURE rows of the subset `name`, in the rows' order; `counts` is added to.

    Only the rows of the mask `among` are looked at; None: all. Questions in the source language are switched to the
    target, translated ones to the source.
    """
    subset = recipe.subsets[name]
    reason, truth = unusable(rows, recipe, subset, seed)
    usable = pc.is_null(reason).to_numpy(zero_copy_only=False)
    keep = np.flatnonzero(usable if among is None else usable & among)
    target = rows.source if subset.source_only else rows.target
    for why in pc.value_counts(reason if among is None else reason.filter(among)).to_pylist():
        if why["values"] is not None:
            counts.dropped[name, target, why["values"]] += why["counts"]
    counts.rows[name, target] += len(keep)
    language, answer_language = rows.language(subset.question), rows.language(subset.answer)
    question, answer = ("" if side == "source" else "mt_" for side in (subset.question, subset.answer))
    hits = covered = np.zeros(len(keep), np.int32)
    probability = recipe.probability(subset)
    other = rows.target if subset.question == "source" else rows.source
    lexicon = lexicons(language, other) if probability > 0 and other != language else None
    texts = {}
    for field_ in QUESTION:
        column = f"{question}{field_}"
        if lexicon is None:
            texts[field_] = _taken(rows.text(column), keep)
            continue
        found = rows.matches(column, lexicon)
        new = switch(rows.words(column), lexicon, found, rows.bits, probability, seed, f"{name}:{field_}", keep)
        texts[field_], hits, covered = new.texts, hits + new.switched, covered + new.switchable
    truth = truth[keep]
    answers = (_taken(rows.column(f"{answer}{which}"), keep) for which in ("truth", "self"))
    columns = {
        "id": _taken(rows.column("id"), keep),
        **texts,
        "response": pc.if_else(truth, *answers),
        "answer": pc.if_else(truth, "truth", "self"),
        "switched": pa.array(hits),
        "switchable": pa.array(covered),
    }
    if lexicon:
        counts.switched[language, other] += int(hits.sum())
        counts.switchable[language, other] += int(covered.sum())
    if subset.ask is not None:
        # Numbers and labels are in no language: METHODS asks for one only where the answer is natural language.
        asked = pc.binary_join_element_wise(columns["instruction"], ask(subset.ask, answer_language), " ")
        natural = pc.match_substring_regex(columns["response"], r"\p{L}")
        columns["instruction"] = pc.if_else(natural, asked, columns["instruction"])
    return mixture(columns, name, rows.source, target, language, answer_language, subset.weight)


def _taken(column: pa.Array, rows: np.ndarray) -> pa.Array:
    return column if len(rows) == len(column) else column.take(pa.array(rows))


def mixture(
    columns: dict[str, pa.Array], subset: str, source: str, target: str, question: str, answer: str, weight: float
) -> pa.Table:
    """`columns` with the constant ones of a subset, as a MIXTURE table."""
    constants = {
        **{"subset": subset, "source": source, "target": target},
        **{"question_language": question, "answer_language": answer, "weight": weight},
    }
    size = len(columns["id"])
    every = columns | {
        name: pa.repeat(pa.scalar(value, MIXTURE.field(name).type), size) for name, value in constants.items()
    }
    return pa.table([every[name] for name in MIXTURE.names], schema=MIXTURE)
