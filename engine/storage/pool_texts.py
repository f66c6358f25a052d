"""The texts of a pool row, each with its translation and all that is known of it, for people who look at rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from polydistill.engine.schema import FIELDS, POOL, RESCUED

_PER_TEXT = ("mt", "notes", "scores", "reason")
COLUMNS = frozenset(
    [*FIELDS, "system", "history", *(f"{kind}_{name}" for kind in _PER_TEXT for name in (*FIELDS, "system", "history"))]
) & {*POOL.names, *RESCUED.names}
"""Columns of a pool row that `texts` covers."""


@dataclass(frozen=True)
class Text:
    """One text of a row and what came of it."""

    name: str  # "system", "history 2 (assistant)", or a field's name
    source: str
    hypothesis: str | None
    notes: tuple[str, ...]  # of the translator
    scores: Mapping[str, float | str]  # what the judge measured, without what it did not
    flags: tuple[str, ...]  # of the judge
    reason: str | None  # why it is unusable
    payload: str | None = None  # JSON of all else in a turn (tool calls)

    def facts(self) -> dict[str, str]:
        """Notes, scores, flags and reason as words, as far as there are any."""
        scores = ", ".join(f"{name} {_figure(value)}" for name, value in self.scores.items())
        found = {"notes": ", ".join(self.notes), "scores": scores, "flags": ", ".join(self.flags)}
        return {name: text for name, text in (found | {"reason": self.reason or ""}).items() if text}


def texts(row: Mapping[str, Any]) -> Iterator[Text]:
    """The texts of a POOL row in the order in which a model reads them. Empty ones are passed over."""
    if row.get("system"):
        yield _text("system", row["system"], *(row.get(f"{kind}_system") for kind in _PER_TEXT))
    columns = [row.get(f"{kind}_history") or [] for kind in _PER_TEXT]
    for index, turn in enumerate(row.get("history") or ()):
        known = [column[index] if index < len(column) else None for column in columns]
        name = f"history {index + 1} ({turn['role']})"
        yield replace(_text(name, turn["content"] or "", *known), payload=turn["payload"])
    for name in FIELDS:
        if row.get(name):
            yield _text(name, row[name], *(row.get(f"{kind}_{name}") for kind in _PER_TEXT))


def _text(
    name: str,
    source: str,
    hypothesis: str | None,
    notes: list[str] | None,
    scores: dict[str, Any] | None,
    reason: str | None,
) -> Text:
    measured = {key: value for key, value in (scores or {}).items() if value is not None}
    flags = tuple(measured.pop("flags", ()))
    return Text(name, source, hypothesis, tuple(notes or ()), measured, flags, reason)


def _figure(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"
