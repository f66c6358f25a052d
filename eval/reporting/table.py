"""The one table: arms x (target, source) x headline metrics, for the terminal, Markdown and HTML.

A cell is the mean over the runs of an arm (models named "sdrrl/seed1", "sdrrl/seed2" are runs of "sdrrl") of the
average over the languages of a side, with the standard deviation over runs where there are several, and a star where
Welch's test tells the arm from the baseline. An off-target rate has the identifier's error on gold text in brackets.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polydistill.engine.languages import get_language

# What of each set stands in the table, in this order.
HEADLINES = (
    ("belebele", "accuracy", "BELEBELE", "accuracy"),
    ("mkqa", "f1", "MKQA", "F1"),
    ("flores_into", "bleu", "FLORES", "BLEU"),
    ("flores_from", "bleu", "FLORES", "BLEU"),
    ("flores_into", "comet", "FLORES", "COMET"),
    ("flores_from", "comet", "FLORES", "COMET"),
    ("xlsum", "rougeL", "XL-Sum", "ROUGE-L"),
    ("mgsm", "accuracy", "MGSM", "accuracy"),
    ("xquad", "f1", "XQuAD", "F1"),
    ("mlqa", "f1", "MLQA", "F1"),
    ("xnli", "accuracy", "XNLI", "accuracy"),
    ("sib200", "accuracy", "SIB-200", "accuracy"),
    ("xcopa", "accuracy", "XCOPA", "accuracy"),
    ("mlama", "accuracy", "mLAMA", "accuracy"),
)
# Whose answers the off-target column is about: the first that was evaluated.
OFF_TARGET = ("off_target", "xlsum", "flores_into", "mkqa")
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

    def __str__(self) -> str:
        star = "*" if self.p is not None and self.p < SURE else ""
        deviation = f" ± {self.sd:.1f}" if self.sd is not None else ""
        return f"{self.mean:.1f}{star}{deviation}" + (f" ({self.gold:.1f})" if self.gold is not None else "")


@dataclass(frozen=True)
class Table:
    """Arms by columns; a cell is None where an arm has no such number."""

    columns: list[tuple[str, str, str]]  # (benchmark, metric, side), e.g. ("FLORES", "BLEU", "target")
    rows: dict[str, list[Cell | None]]  # arm -> cells
    note: str


def arm_table(found: Mapping[str, Any]) -> Table:
    """The table of a metrics.json (see `eval.reporting.results`)."""
    entries = {(e["set"], e["metric"], e["side"], e["arm"]): e for e in found["arms"]}
    arms = list(dict.fromkeys(e["arm"] for e in found["arms"]))
    off_target = next((name for name in OFF_TARGET if any(k[:2] == (name, "off_target") for k in entries)), "")
    shown = [*HEADLINES, (off_target, "off_target", "", "off-target")]
    columns: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for name, metric, title, unit in shown:
        for side in ("target", "source"):
            if any((name, metric, side, arm) in entries for arm in arms):
                columns.setdefault((title, unit, side), []).append((name, metric))
    rows: dict[str, list[Cell | None]] = {arm: [] for arm in arms}
    for (_, _, side), keys in columns.items():
        cells = [_first(entries, keys, side, arm) for arm in arms]
        gold = [_first(entries, [(name, f"{metric}_gold") for name, metric in keys], side, arm) for arm in arms]
        for arm, cell in zip(arms, _ranked(cells, gold)):
            rows[arm].append(cell)
    return Table([(t, u, _side(found, side)) for t, u, side in columns], rows, note(found, entries, off_target))


def _side(found: Mapping[str, Any], side: str) -> str:
    return get_language(found["config"]["source"]).name if side == "source" else "targets"


def _first(entries: Mapping[Any, Any], keys: Sequence[tuple[str, str]], side: str, arm: str) -> Any:
    return next((entries[(*key, side, arm)] for key in keys if (*key, side, arm) in entries), None)


def _ranked(entries: Sequence[Any], gold: Sequence[Any]) -> list[Cell | None]:
    """Cells with ranks; equal values share a rank, and a column in which all are equal has no best."""
    values = [e and round(e["mean"], 1) * (1 if e["higher_is_better"] else -1) for e in entries]
    order = sorted({value for value in values if value is not None}, reverse=True)
    ranks = {value: rank for rank, value in enumerate(order, 1)} if len(order) > 1 else {}
    return [
        e and Cell(e["mean"], e["sd"], ranks.get(value, 0), g and g["mean"], e["p"], tuple(e["values"]))
        for e, value, g in zip(entries, values, gold)
    ]


def note(found: Mapping[str, Any], entries: Mapping[Any, Any], off_target: str) -> str:
    """What a reader must know beside the table."""
    source = found["config"]["source"]
    targets = sorted({row["language"] for row in found["results"] if row["language"] != source})
    runs = {e["arm"]: e["runs"] for e in entries.values()}
    several = any(count > 1 for count in runs.values())
    seeds = f" Runs: {', '.join(f'{arm} {count}' for arm, count in runs.items())}; ± is their standard deviation."
    baseline = next((e["against"] for e in entries.values() if e["against"]), None)
    if baseline:
        seeds += f" * differs from {baseline} (Welch's test, p < {SURE}, not corrected for the number of comparisons)."
    identified = (
        f" Off-target (answers of {off_target}) is better when lower; in brackets: how often language ID calls the "
        "gold answers something else."
    )
    return (
        f"Targets: mean over {', '.join(get_language(code).name for code in targets)}.{seeds if several else ''}"
        f"{identified if off_target else ''} Best in bold, second underlined."
    )


def to_markdown(table: Table) -> str:
    """The table in Markdown: best in bold, second in italics."""
    heads = [
        "",
        *(" ".join(part for part in (title, unit) if part) + f", {side}" for title, unit, side in table.columns),
    ]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for arm, cells in table.rows.items():
        lines.append(f"| {arm} | " + " | ".join(_marked(cell, "**{}**", "_{}_") for cell in cells) + " |")
    return "\n".join(lines) + f"\n\n{table.note.replace('underlined', 'in italics')}\n"


def to_html(table: Table) -> str:
    """The table as HTML: two header rows, metric over side; what belongs to a mean in small print behind it."""
    tops, subs = "", ""
    for index, (title, unit, side) in enumerate(table.columns):
        if index == 0 or table.columns[index - 1][:2] != (title, unit):
            span = sum(1 for column in table.columns if column[:2] == (title, unit))
            tops += f'<th colspan="{span}">{html.escape(f"{title} {unit}")}</th>'
        subs += f"<th>{html.escape(side)}</th>"
    body = ""
    for arm, cells in table.rows.items():
        marked = "".join(f"<td>{_small(cell)}</td>" for cell in cells)
        body += f"<tr><th>{html.escape(arm)}</th>{marked}</tr>"
    head = f"<thead><tr><th></th>{tops}</tr><tr><th></th>{subs}</tr></thead>"
    drawn = f'<div class="wide"><table class="summary">{head}<tbody>{body}</tbody></table></div>'
    return f'{drawn}<p class="note">{html.escape(table.note)}</p>'


def _small(cell: Cell | None) -> str:
    if cell is None:
        return "–"
    mean, _, rest = str(cell).partition(" ")
    marked = {1: "<b>{}</b>", 2: "<u>{}</u>"}.get(cell.rank, "{}").format(mean)
    return f"{marked} <small>{rest}</small>" if rest else marked


def to_terminal(table: Table) -> Any:
    """The table for `rich.print`, turned so that it fits a narrow terminal: a line per metric and side."""
    from rich import box
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable("", "", box=box.SIMPLE_HEAD, pad_edge=False)
    for arm in table.rows:
        shown.add_column(arm, justify="right")
    for index, (title, unit, side) in enumerate(table.columns):
        first = index == 0 or table.columns[index - 1][:2] != (title, unit)
        cells = (_marked(cells[index], "[bold]{}[/bold]", "[underline]{}[/underline]") for cells in table.rows.values())
        shown.add_row(f"{title} {unit}".strip() if first else "", side, *cells)
    return Group(shown, Text(table.note, style="dim"))


def _marked(cell: Cell | None, best: str, second: str) -> str:
    if cell is None:
        return "–"
    return {1: best, 2: second}.get(cell.rank, "{}").format(cell)
