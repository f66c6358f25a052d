"""The summary: arms x benchmarks x (targets, source language), or x languages.

A cell is the mean over the runs of an arm (models named "sdrrl/seed1", "sdrrl/seed2" are runs of "sdrrl") of the
average over the languages of a side, with the standard deviation over runs where there are several, and a star where
Welch's test tells the arm from the baseline. An off-target rate has the identifier's error on gold text in brackets.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from polydistill.engine.languages import get_language
from polydistill.eval.reporting.names import metric_name
from polydistill.eval.scores import ArmResult, Headline, ScoresRecord, arm

By = Literal["side", "language", "kind"]
KINDS = [Headline(kind, "mean", kind, "", "") for kind in ("NLU", "NLG")]
"""Means over the benchmarks of understanding and of generation."""
SURE = 0.05
"""An arm whose p is below differs from the baseline (Self-Translate-Train's level)."""


@dataclass(frozen=True)
class Cell:
    """One number: mean over runs, standard deviation (None for one run), rank among the arms (1 is best)."""

    mean: float
    sd: float | None
    rank: int
    gold: float | None = None  # off-target only: the language identifier's error on gold text
    p: float | None = None  # of Welch's test against the baseline
    runs: tuple[float, ...] = ()  # each run's value

    @property
    def starred(self) -> str:
        """The mean, with a star where it differs from the baseline."""
        return f"{self.mean:.1f}{'*' if self.p is not None and self.p < SURE else ''}"

    @property
    def rest(self) -> str:
        """What stands behind the mean: deviation over runs, and the error on gold text."""
        deviation = f"± {self.sd:.1f}" if self.sd is not None else ""
        return " ".join(part for part in (deviation, f"({self.gold:.1f})" if self.gold is not None else "") if part)

    def __str__(self) -> str:
        return f"{self.starred} {self.rest}".strip()


@dataclass(frozen=True)
class Column:
    """A column's heading: benchmark, metric, and whose number it is."""

    title: str  # "FLORES"; "" for off-target
    unit: str  # "BLEU"
    side: str  # "targets", "English", "German"

    @property
    def top(self) -> str:
        """Benchmark and metric."""
        return f"{self.title} {self.unit}".strip()


@dataclass(frozen=True)
class Table:
    """Arms by columns; a cell is None where an arm has no such number."""

    columns: list[Column]
    rows: dict[str, list[Cell | None]]  # arm -> cells
    notes: list[str]  # sentences that a reader needs


Entries = Mapping[tuple[str, str, str, str], ArmResult]
"""(set, metric, side or language, arm) -> entry."""


def summary(record: ScoresRecord, by: By = "side") -> Table:
    """The table of an evaluation: over the two sides, over single languages, or the means over NLU and NLG."""
    found = _by_language(record) if by == "language" else record.arms
    entries = {(entry.set, entry.metric, entry.side, entry.arm): entry for entry in found}
    arms = list(dict.fromkeys(arm(model) for model in record.models))
    sides = list(dict.fromkeys(row.language for row in record.results)) if by == "language" else ["target", "source"]
    groups: dict[Column, list[tuple[str, str, str]]] = defaultdict(list)
    for headline in KINDS if by == "kind" else record.headlines:
        for side in sides:
            key = (headline.set, headline.metric, side)
            if any((*key, name) in entries for name in arms):
                groups[Column(headline.title, metric_name(headline.metric), _side(record, side))].append(key)
    rows: dict[str, list[Cell | None]] = {name: [] for name in arms}
    for keys in groups.values():
        cells = [_first(entries, keys, name) for name in arms]
        gold = [_first(entries, [(s, f"{m}_gold", side) for s, m, side in keys], name) for name in arms]
        for name, cell in zip(arms, _ranked(cells, gold)):
            rows[name].append(cell)
    return Table(list(groups), rows, _notes(record, entries))


def _by_language(record: ScoresRecord) -> list[ArmResult]:
    """Results of single languages, averaged over the runs of each arm."""
    groups = defaultdict(list)
    for row in record.results:
        if row.value is not None and row.low is not None and row.high is not None:
            groups[arm(row.model), row.set, row.language, row.metric].append(row)
    found = []
    for (name, set_, language, metric), rows in groups.items():
        values = [row.value for row in rows if row.value is not None]
        found.append(
            ArmResult(
                arm=name,
                set=set_,
                side=language,
                metric=metric,
                runs=len(values),
                values=values,
                mean=float(np.mean(values)),
                sd=float(np.std(values, ddof=1)) if len(values) > 1 else None,
                low=float(np.mean([row.low for row in rows if row.low is not None])),
                high=float(np.mean([row.high for row in rows if row.high is not None])),
                languages=[language],
                higher_is_better=rows[0].higher_is_better,
            )
        )
    return found


def _side(record: ScoresRecord, side: str) -> str:
    if side == "target":
        return "targets"
    return get_language(record.source if side == "source" else side).name


def _first(entries: Entries, keys: Sequence[tuple[str, str, str]], name: str) -> ArmResult | None:
    return next((entries[(*key, name)] for key in keys if (*key, name) in entries), None)


def _ranked(entries: Sequence[ArmResult | None], gold: Sequence[ArmResult | None]) -> list[Cell | None]:
    """Cells with ranks. Equal values share a rank, and a column in which all are equal has no best."""
    values = [round(e.mean, 1) * (1 if e.higher_is_better else -1) if e else None for e in entries]
    order = sorted({value for value in values if value is not None}, reverse=True)
    ranks = {value: rank for rank, value in enumerate(order, 1)} if len(order) > 1 else {}
    cells: list[Cell | None] = []
    for entry, value, error in zip(entries, values, gold):
        if entry is None or value is None:
            cells.append(None)
            continue
        p = entry.effect.p if entry.effect else None
        rank = ranks.get(value, 0)
        cells.append(Cell(entry.mean, entry.sd, rank, error.mean if error else None, p, tuple(entry.values)))
    return cells


def _notes(record: ScoresRecord, entries: Entries) -> list[str]:
    """What a reader must know about the table."""
    notes = [_languages(record)]
    runs = {entry.arm: entry.runs for entry in entries.values()}
    if any(count > 1 for count in runs.values()):
        counted = ", ".join(f"{name} {count}" for name, count in runs.items())
        notes.append(f"Runs: {counted}; ± is the standard deviation over them.")
    if record.baseline:
        notes.append(
            f"* differs from {record.baseline} (Welch's test, p < {SURE}, not corrected; "
            "p corrected by Holm stands in the list of tests)."
        )
    spoken = next((column.set for column in record.headlines if column.metric == "off_target"), "")
    if spoken and any(entry.metric == "off_target" for entry in entries.values()):
        notes.append(
            f"Off-target (answers of {spoken}) is better when lower; in brackets: how often language ID calls the gold "
            "answers something else."
        )
    return [*notes, "Best in bold, second underlined.", *(f"{note.rstrip('.')}." for note in record.notes)]


def _languages(record: ScoresRecord) -> str:
    """Which languages the target columns are means over; benchmark by benchmark where they differ."""
    shown = {column.set: column.title for column in record.headlines if column.title}
    asked: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for row in record.averages:
        title = shown.get(row.set)
        if title and row.side == "target" and title not in asked[tuple(row.languages)]:
            asked[tuple(row.languages)].append(title)
    asked = {languages: titles for languages, titles in asked.items() if titles}
    named = [(", ".join(get_language(code).name for code in codes), titles) for codes, titles in asked.items()]
    if len(named) == 1:
        return f"Targets: mean over {named[0][0]}."
    if not named:
        return f"Targets: {', '.join(get_language(code).name for code in record.targets) or 'none'}."
    return "Targets are means over: " + ", ".join(f"{names} ({' and '.join(titles)})" for names, titles in named) + "."
