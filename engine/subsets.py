"""The samples of one recipe from one stretch of the pool: which rows, which texts, and why not the others.

Functions on tables; `engine.mix` walks the pool and writes what comes out.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from engine.codeswitch import Lexicon, Matches, matches, replace
from engine.instructions import ask
from engine.leakage import Index
from engine.recipe import Recipe, Side, Subset
from engine.schema import MIXTURE
from engine.seeds import row_bits, uniform
from engine.words import Tokens, tokenize

QUESTION = ("instruction", "input")
READS = [
    *("id", "source", "instruction", "input", "truth", "self", "self_error"),
    *(f"mt_{name}" for name in ("instruction", "input", "truth", "self")),
    *(f"reason_{name}" for name in ("instruction", "input", "truth", "self")),
]
"""Pool columns that mixing reads."""

Lexicons = Callable[[str, str], Lexicon | None]
"""(language of the text, language of the replacements) -> lexicon; None where that pair stays unswitched."""


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
        self, frame: pl.DataFrame, target: str, evaluation: Index | None = None, shared: dict[str, Any] | None = None
    ) -> None:
        """`shared` keeps what is made of the source texts, which are the same in every target language."""
        self.frame, self.target, self.evaluation = frame, target, evaluation
        self.source: str = frame["source"][0]
        self.bits = row_bits(frame["id"].to_list())
        self._shared = {} if shared is None else shared
        self._own: dict[str, Any] = {}

    def language(self, side: Side | None) -> str:
        """The language of that side."""
        return self.source if side == "source" else self.target

    def tokens(self, name: str, side: Side | None) -> Tokens:
        """Tokens of a field on one side, computed once; a missing text has none."""
        cache, column = (self._shared, name) if side == "source" else (self._own, f"mt_{name}")
        key = f"tokens:{column}"
        if key not in cache:
            cache[key] = tokenize(self.frame[column].fill_null(""), self.language(side))
        return cache[key]

    def matches(self, name: str, side: Side | None, lexicon: Lexicon) -> Matches:
        """What the lexicon covers of a field; kept for the other subsets that ask the translated question."""
        if side == "source":
            return matches(self.tokens(name, side), lexicon)
        key = f"matches:{name}"
        if key not in self._own:
            self._own[key] = matches(self.tokens(name, side), lexicon)
        return self._own[key]

    def leaks(self, column: str) -> pl.Expr:
        """A reason for the rows whose text in `column` is too near to an evaluation set."""
        if self.evaluation is None:
            return pl.lit(None, pl.String)
        cache = self._own if column.startswith("mt_") else self._shared
        key = f"leaks:{column}"
        if key not in cache:
            cache[key] = pl.Series(self.evaluation.leaks(self.frame[column]))
        return pl.when(pl.lit(cache[key])).then(pl.lit(f"leakage:{column.removeprefix('mt_')}"))


def unusable(rows: Rows, recipe: Recipe, subset: Subset, seed: int) -> tuple[pl.Series, pl.Series]:
    """Why each row cannot be used in a pool subset ("field:reason", null where it can), and whether its answer is y.

    The coin between y and y^ (SDRRL) is thrown once per prompt, whatever the language and the subset. Only what
    the subset needs is asked for: a bad translation of the question does no harm where the question stays as it is.
    """
    truth = pl.Series(uniform(seed, rows.bits, "coin") < recipe.coin(subset).truth_share)
    reasons: list[pl.Expr] = []
    if subset.part is not None:
        part = pl.Series(_part(rows, recipe, subset.part, seed))
        reasons.append(pl.when(~part).then(pl.lit("part:other")))
    if not subset.source_only and rows.source == rows.target:
        reasons.append(pl.lit("target:same_language"))
    for name in QUESTION:
        reasons += [_lost(name), rows.leaks(f"mt_{name}")] if subset.question == "target" else []
        reasons.append(rows.leaks(name))
    answers: list[pl.Expr] = []
    for name in ("truth", "self"):
        text = pl.col(name)
        empty = pl.when(text.is_null() | (text == "")).then(pl.lit(f"{name}:missing"))
        failed = [pl.col("self_error").str.extract("^(length|error)").replace_strict(_SELF)] if name == "self" else []
        translated = [_lost(name), rows.leaks(f"mt_{name}")] if subset.answer == "target" else []
        answers.append(pl.coalesce(*failed, empty, *translated, rows.leaks(name)))
    reasons.append(pl.when(truth).then(answers[0]).otherwise(answers[1]))
    return rows.frame.select(pl.coalesce(reasons).alias("reason"))["reason"], truth


_SELF = {
    "length": "self:length",
    "error": "self:error",
}  # an answer cut at max_tokens would teach to stop in mid-sentence


def _lost(name: str) -> pl.Expr:
    """Why the translation of a field is of no use; null where it is, or where there is nothing to translate."""
    there = pl.col(name).is_not_null() & (pl.col(name) != "")
    missing = pl.when(there & pl.col(f"mt_{name}").is_null()).then(pl.lit("untranslated"))
    return pl.format(f"{name}:{{}}", pl.coalesce(f"reason_{name}", missing))


def _part(rows: Rows, recipe: Recipe, name: str, seed: int) -> np.ndarray:
    """Whether each row falls into that part of the recipe's `parts`; drawn for each target language on its own."""
    parts = recipe.parts or {}
    ends = np.cumsum(list(parts.values()))
    ends[-1] = 1.0
    return np.searchsorted(ends, uniform(seed, rows.bits, f"part:{rows.target}"), side="right") == list(parts).index(
        name
    )


def pool_subset(
    rows: Rows, recipe: Recipe, name: str, seed: int, lexicons: Lexicons, counts: Counts, switch_to: str | None = None
) -> pa.Table:
    """The MIXTURE rows of the subset `name`, in the rows' order; `counts` is added to.

    Questions in the source language are switched to `switch_to` (default: the target), translated ones to the source.
    """
    subset = recipe.subsets[name]
    reason, truth = unusable(rows, recipe, subset, seed)
    keep = reason.is_null()
    target = rows.source if subset.source_only else rows.target
    for why, count in reason.drop_nulls().value_counts().iter_rows():
        counts.dropped[name, target, why] += count
    counts.rows[name, target] += int(keep.sum())
    language, answer_language = rows.language(subset.question), rows.language(subset.answer)
    prefix, mt = ("" if side == "source" else "mt_" for side in (subset.question, subset.answer))
    texts = {field: rows.frame[f"{prefix}{field}"].fill_null("") for field in QUESTION}
    hits = covered = np.zeros(len(rows.frame), np.int32)
    probability = recipe.probability(subset)
    other = (switch_to or rows.target) if subset.question == "source" else rows.source
    lexicon = lexicons(language, other) if probability > 0 else None
    for field_ in QUESTION if lexicon else ():
        assert lexicon is not None
        tokens, found = rows.tokens(field_, subset.question), rows.matches(field_, subset.question, lexicon)
        new = replace(tokens, lexicon, found, rows.bits, probability, seed, f"{name}:{field_}")
        texts[field_], hits, covered = new.texts, hits + new.switched, covered + new.switchable
    frame = pl.DataFrame(
        {
            "id": rows.frame["id"],
            **texts,
            "response": rows.frame.select(pl.when(truth).then(f"{mt}truth").otherwise(f"{mt}self"))[f"{mt}truth"],
            "answer": pl.select(pl.when(truth).then(pl.lit("truth")).otherwise(pl.lit("self")))["literal"],
            "switched": hits,
            "switchable": covered,
        }
    ).filter(keep)
    if lexicon:
        counts.switched[language, other] += int(frame["switched"].sum())
        counts.switchable[language, other] += int(frame["switchable"].sum())
    if subset.ask is not None:
        # Numbers and labels are in no language: METHODS asks for one only where the answer is natural language.
        asked = pl.col("instruction") + " " + ask(subset.ask, answer_language)
        frame = frame.with_columns(
            pl.when(pl.col("response").str.contains(r"\p{L}")).then(asked).otherwise("instruction")
        )
    return mixture(frame, name, rows.source, target, language, answer_language, subset.weight)


def mixture(
    frame: pl.DataFrame, subset: str, source: str, target: str, question: str, answer: str, weight: float
) -> pa.Table:
    """`frame` with the constant columns of a subset, as a MIXTURE table."""
    constants = {
        **{"subset": subset, "source": source, "target": target},
        **{"question_language": question, "answer_language": answer, "weight": weight},
    }
    columns = frame.with_columns(pl.lit(value).alias(name) for name, value in constants.items()).select(MIXTURE.names)
    return columns.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(MIXTURE)
