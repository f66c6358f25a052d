"""Pool rows as mixing sees them: source texts shared by all target languages, their translations, what both are worth.

What is made of a text (its words, whether it leaks, why it is unusable) is made once, however many subsets ask.
"""

from typing import TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.errors import DamagedError
from polydistill.engine.mixing.leakage import Index
from polydistill.engine.mixing.recipe import Side
from polydistill.engine.mixing.switching.codeswitch import Lexicon, Matches, matches
from polydistill.engine.seeds import row_bits
from polydistill.engine.text.words import Words, find_words

FIELDS = ("instruction", "input", "truth", "self")
SOURCE_COLUMNS = ["id", "source", *FIELDS, "self_error", "system", "history"]
"""Pool columns that are the same in every target language."""
TARGET_COLUMNS = [
    *("id", "source", *(f"mt_{name}" for name in FIELDS), *(f"reason_{name}" for name in FIELDS)),
    *("mt_system", "mt_history", "reason_system", "reason_history"),
]
"""Pool columns that mixing reads of each target language."""

Reasons: TypeAlias = "pa.Array | None"
"""A reason for each row, null where it has none; None where no row has any."""


class Texts:
    """The fields of some rows in one language."""

    def __init__(
        self,
        columns: dict[str, pa.Array],
        language: str,
        evaluation: Index | None,
        system: pa.Array,
        history: pa.Array,
    ) -> None:
        """Hold the texts of some rows.

        Args:
            columns: field -> string array with nulls where there is no text.
            language: of all texts.
            evaluation: index of the evaluation sets that no text may be near to.
            system: system prompts, null where a row has none.
            history: `schema.HISTORY`, null where a row is a single question.
        """
        self.columns, self.language, self.evaluation = columns, language, evaluation
        self.system, self.history = system, history
        self._words: dict[str, Words] = {}
        self._leaks: dict[str, Reasons] = {}

    def text(self, name: str) -> pa.Array:
        """A field with "" for nulls."""
        column = self.columns[name]
        return pc.fill_null(column, "") if column.null_count else column

    def words(self, name: str) -> Words:
        """The words of a field."""
        if name not in self._words:
            self._words[name] = find_words(self.text(name), self.language)
        return self._words[name]

    def conversation_leaks(self) -> Reasons:
        """The rows whose system prompt or history is too close to an evaluation set."""
        if self.evaluation is None or self.system.null_count + self.history.null_count == 2 * len(self.system):
            return None
        if "history" not in self._leaks:
            texts = [
                "\n".join(filter(None, [system, *(turn["content"] for turn in history or ())]))
                for system, history in zip(self.system.to_pylist(), self.history.to_pylist())
            ]
            self._leaks["history"] = where(self.evaluation.leaks(pl.Series(texts, dtype=pl.String)), "leakage:history")
        return self._leaks["history"]

    def leaks(self, name: str) -> Reasons:
        """The rows whose text in that field is too close to an evaluation set."""
        if self.evaluation is None:
            return None
        if name not in self._leaks:
            self._leaks[name] = where(self.evaluation.leaks(pl.Series(self.columns[name])), f"leakage:{name}")
        return self._leaks[name]


class SourceTexts(Texts):
    """Rows of one source language, as they came."""

    def __init__(self, table: pa.Table, evaluation: Index | None = None) -> None:
        """`table` has SOURCE_COLUMNS, all rows of one source language."""
        columns = {name: table[name].combine_chunks() for name in SOURCE_COLUMNS}
        system, history = columns.pop("system"), columns.pop("history")
        super().__init__(columns, table["source"][0].as_py(), evaluation, system, history)
        self.ids: pa.Array = columns["id"]
        self.bits: np.ndarray = row_bits(self.ids.to_pylist())

    def unanswered(self, name: str) -> Reasons:
        """Why a row has no answer of that name ("truth" or "self")."""
        failed = None
        if name == "self":
            error = self.columns["self_error"]
            # An answer that was cut would teach to stop in mid-sentence.
            kinds = ("length", "context", "reasoning", "empty", "unverified", "error")
            failed = first(*(where(pc.starts_with(error, kind), f"self:{kind}") for kind in kinds))
        return first(failed, where(~given(self.columns[name]), f"{name}:missing"))


class TargetTexts(Texts):
    """The translations of the same rows into one language."""

    def __init__(self, table: pa.Table, language: str, source: SourceTexts) -> None:
        """`table` has TARGET_COLUMNS, the rows of `source` in the same order.

        Raises:
            DamagedError: other rows, or in another order.
        """
        if not table["id"].combine_chunks().equals(source.ids):
            raise DamagedError(
                f"pool in {language}: its rows are not those of the other languages. Files of different units or runs "
                "were mixed up. Copy the run's folder again, or delete pool/ and units/ of this language and run "
                "`polydistill synth`."
            )
        columns = {name: table[f"mt_{name}"].combine_chunks() for name in FIELDS}
        system = table["mt_system"].combine_chunks()
        history = _translated(source.history, table["mt_history"].combine_chunks())
        super().__init__(columns, language, source.evaluation, system, history)
        self._conversation = [table[f"reason_{name}"].combine_chunks() for name in ("system", "history")]
        self._judged = {name: table[f"reason_{name}"].combine_chunks() for name in FIELDS}
        self._source = source

    def lost(self, name: str) -> Reasons:
        """Why the translation of a field is of no use; null where it is, or where there is nothing to translate."""
        absent = pc.is_null(self.columns[name]).to_numpy(zero_copy_only=False)
        missing = where(given(self._source.columns[name]) & absent, "untranslated")
        judged = self._judged[name]
        reason = first(judged if judged.null_count < len(judged) else None, missing)
        return None if reason is None else pc.binary_join_element_wise(pa.scalar(f"{name}:"), reason, "")

    def conversation_lost(self) -> Reasons:
        """Why the translation of a system prompt or of a turn of the history is of no use."""
        system, history = self._conversation
        if system.null_count + history.null_count == 2 * len(system):
            return None
        reasons = []
        for own, turns in zip(system.to_pylist(), history.to_pylist()):
            named = [("system", own), *(("history", reason) for reason in turns or ())]
            reasons.append(next((f"{name}:{reason}" for name, reason in named if reason), None))
        return pa.array(reasons, pa.string())


class Rows:
    """Some prompts of one source language with one target language."""

    def __init__(self, source: SourceTexts, target: TargetTexts) -> None:
        self.source, self.target = source, target
        self._matches: dict[tuple[Side, str], Matches] = {}

    def __len__(self) -> int:
        return len(self.source.bits)

    def texts(self, side: Side | None) -> Texts:
        """The texts of that side."""
        return self.source if side == "source" else self.target

    def matches(self, side: Side, name: str, lexicon: Lexicon) -> Matches:
        """What the lexicon from that side's language to the other's covers of a field."""
        if (side, name) not in self._matches:
            self._matches[side, name] = matches(self.texts(side).words(name), lexicon)
        return self._matches[side, name]

    def answerless(self, name: str, side: Side) -> Reasons:
        """Why a row has no answer of that name ("truth" or "self") to learn on that side."""
        translated = (self.target.lost(name), self.target.leaks(name)) if side == "target" else ()
        return first(self.source.unanswered(name), *translated, self.source.leaks(name))


def _translated(history: pa.Array, contents: pa.Array) -> pa.Array:
    """The turns of `history` with other contents: list<string>, one for each turn, null where `history` is."""
    if history.null_count == len(history):
        return history
    turns = [
        None if talk is None else [turn | {"content": text} for turn, text in zip(talk, texts)]
        for talk, texts in zip(history.to_pylist(), contents.to_pylist())
    ]
    return pa.array(turns, history.type)


def given(texts: pa.Array) -> np.ndarray:
    """Which texts are neither null nor empty: bool (rows,)."""
    return pc.fill_null(pc.not_equal(texts, ""), False).to_numpy(zero_copy_only=False)


def where(mask: np.ndarray | pa.Array, reason: str) -> Reasons:
    """`reason` for the rows of a mask; None where it is empty."""
    mask = pa.array(mask) if isinstance(mask, np.ndarray) else pc.fill_null(mask, False)
    return pc.if_else(mask, reason, pa.scalar(None, pa.string())) if pc.any(mask).as_py() else None


def first(*reasons: Reasons) -> Reasons:
    """The first reason of each row."""
    some = [reason for reason in reasons if reason is not None]
    return pc.coalesce(*some) if some else None
