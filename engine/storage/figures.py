"""Figures about judged rows: small enough for a unit's record, complete enough for the run's report."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine import schema
from polydistill.engine.config import Price

QUALITY_EDGES = np.linspace(0.0, 1.0, 21)
"""Edges of the QE histogram: 20 bins from 0 to 1. Scores outside fall into the first or last bin."""
RATIO_EDGES = np.exp2(np.linspace(-3, 3, 25))
"""Edges of the length-ratio histogram: 24 bins from 1/8 to 8, four per factor of two."""


@dataclass(frozen=True)
class FieldFigures:
    """One field of the rows: instruction, input, truth or self."""

    reasons: dict[str, int] = field(default_factory=dict)  # drop reason -> hypotheses
    notes: dict[str, int] = field(default_factory=dict)  # what translation noticed (`schema.Note`) -> hypotheses
    quality: list[int] = field(default_factory=lambda: [0] * (len(QUALITY_EDGES) - 1))  # hypotheses per bin
    length_ratio: list[int] = field(default_factory=lambda: [0] * (len(RATIO_EDGES) - 1))  # hypotheses per bin


@dataclass(frozen=True)
class RescueCost:
    """What another chance for failed texts cost, which their rows do not tell, see `engine.judging.rescue`."""

    estimates: int = 0  # pairs that quality estimation scored at first
    estimates_beam: int = 0  # further ones for the translator's next best hypotheses
    estimates_fallback: int = 0  # further ones for the second translator's
    seconds: float = 0.0  # of judging first hypotheses
    seconds_beam: float = 0.0  # of judging the next best ones
    seconds_fallback: float = 0.0  # of the second translator, and of judging what it wrote
    tokens_fallback: int = 0  # that the second translator read and wrote

    def __add__(self, other: "RescueCost") -> "RescueCost":
        return _sum_fields([self, other])


@dataclass(frozen=True)
class RescueFigures(RescueCost):
    """What another chance for failed texts brought and cost."""

    kept_without_rescue: int = 0  # rows, with first hypotheses only
    kept_without_fallback: int = 0  # rows, with the translator's next best ones
    texts_fallback: int = 0  # texts that the second translator was given and answered
    characters: int = 0  # of all texts, which the first translator was given
    characters_fallback: int = 0  # of those that the second one was given


@dataclass(frozen=True)
class TokenFigures:
    """Tokens that a model read and wrote, and what they cost."""

    prompt_tokens: int = 0
    answer_tokens: int = 0
    cost: float = 0.0  # by the model's `price`; 0 without one

    @classmethod
    def of(cls, prompt_tokens: int, answer_tokens: int, price: Price | None) -> "TokenFigures":
        """Price them: `price` is for a million tokens."""
        price = price or Price()
        cost = (prompt_tokens * price.prompt + answer_tokens * price.answer) / 1e6
        return cls(prompt_tokens, answer_tokens, cost)

    def __add__(self, other: "TokenFigures") -> "TokenFigures":
        return TokenFigures(
            self.prompt_tokens + other.prompt_tokens, self.answer_tokens + other.answer_tokens, self.cost + other.cost
        )


NO_TOKENS = TokenFigures()


@dataclass(frozen=True)
class RowFigures:
    """Rows in one target language. `rows` equals `kept` plus the sum of `reasons`."""

    rows: int = 0
    kept: int = 0
    failed: int = 0  # rows dropped because of an error, not because of a score
    reasons: dict[str, int] = field(default_factory=dict)  # "field:reason" -> rows
    fields: dict[str, FieldFigures] = field(default_factory=dict)
    rescue: RescueFigures | None = None  # null where every text has one chance
    translation: TokenFigures = NO_TOKENS  # of the translators, for this language

    def notes(self) -> dict[str, int]:
        """What translation noticed, in all fields together: note -> hypotheses."""
        return _sum(own.notes for own in self.fields.values())


def figures_of(table: pa.Table, translation: TokenFigures = NO_TOKENS, rescue: RescueCost = RescueCost()) -> RowFigures:
    """The figures of POOL rows of one language, with what their translation and a second chance took."""
    reasons = _counts(table["reason"].combine_chunks())
    fields = {}
    for name in schema.FIELDS:
        scores = table[f"scores_{name}"].combine_chunks()
        fields[name] = FieldFigures(
            _counts(table[f"reason_{name}"].combine_chunks()),
            _counts(pc.list_flatten(table[f"notes_{name}"].combine_chunks())),
            _histogram(pc.struct_field(scores, "quality"), QUALITY_EDGES),
            _histogram(pc.struct_field(scores, "length_ratio"), RATIO_EDGES),
        )
    failed = sum(count for reason, count in reasons.items() if reason.endswith(":error"))
    return RowFigures(
        table.num_rows, table["reason"].null_count, failed, reasons, fields, _rescue(table, rescue), translation
    )


def merge(parts: Iterable[RowFigures]) -> RowFigures:
    """The figures of several tables together."""
    parts = list(parts)
    fields = {
        name: FieldFigures(
            _sum(part.fields[name].reasons for part in parts if name in part.fields),
            _sum(part.fields[name].notes for part in parts if name in part.fields),
            _add([part.fields[name].quality for part in parts if name in part.fields], len(QUALITY_EDGES) - 1),
            _add([part.fields[name].length_ratio for part in parts if name in part.fields], len(RATIO_EDGES) - 1),
        )
        for name in schema.FIELDS
    }
    return RowFigures(
        sum(part.rows for part in parts),
        sum(part.kept for part in parts),
        sum(part.failed for part in parts),
        _sum(part.reasons for part in parts),
        fields,
        _sum_fields(rescued) if (rescued := [part.rescue for part in parts if part.rescue is not None]) else None,
        sum((part.translation for part in parts), NO_TOKENS),
    )


def _rescue(table: pa.Table, cost: RescueCost) -> RescueFigures | None:
    if "reason_without_rescue" not in table.column_names:
        return None
    texts = characters = again = 0
    for name in schema.FIELDS:
        lengths = pc.fill_null(pc.utf8_length(table[name]), 0).to_pylist()
        characters += sum(lengths)
        for length, tried in zip(lengths, table[f"tried_{name}"].to_pylist()):
            given = sum(one["origin"] == "fallback" for one in tried or ())
            texts, again = texts + given, again + given * length
    return RescueFigures(
        **vars(cost),
        kept_without_rescue=table["reason_without_rescue"].null_count,
        kept_without_fallback=table["reason_without_fallback"].null_count,
        texts_fallback=texts,
        characters=characters,
        characters_fallback=again,
    )


Counted = TypeVar("Counted", bound=RescueCost)


def _sum_fields(parts: Sequence[Counted]) -> Counted:
    names = [each.name for each in dataclasses.fields(parts[0])]
    return type(parts[0])(**{name: sum(getattr(part, name) for part in parts) for name in names})


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return dict(total)


def _add(histograms: list[list[int]], bins: int) -> list[int]:
    return [sum(column) for column in zip(*histograms)] if histograms else [0] * bins


def _counts(names: pa.Array) -> dict[str, int]:
    """Reason or note -> how many there are. An error counts without its message: "error: ..." is "error"."""
    short = pc.replace_substring_regex(names.drop_null(), r"^((?:\w+:)?error).*", r"\1")
    return {item["values"]: item["counts"] for item in pc.value_counts(short).to_pylist()}


def _histogram(values: pa.Array, edges: np.ndarray) -> list[int]:
    numbers = values.drop_null().to_numpy(zero_copy_only=False)
    return np.histogram(np.clip(numbers, edges[0], edges[-1]), edges)[0].tolist()
