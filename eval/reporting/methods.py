"""Methods with several runs each: where every run landed, how far the runs of a method lie apart, Welch's test."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from polydistill.eval.reporting.plots import dots
from polydistill.eval.reporting.results import arm as arm_of
from polydistill.eval.reporting.table import SURE, Table


def one_per_arm(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Results of single runs (see `eval.reporting.results`) -> one row per arm, language and metric, value and
    interval averaged.

    The interval is the questions' uncertainty of a run, not the spread of the runs.
    """
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((arm_of(row["model"]), row["language"], row["metric"]), []).append(row)
    averaged = []
    for (arm, _, _), group in groups.items():
        known = [row for row in group if row["n"]]
        means = {key: sum(row[key] for row in known) / len(known) for key in ("value", "low", "high")} if known else {}
        averaged.append({**group[0], "model": arm, **means})
    return averaged


def several_runs(found: Mapping[str, Any]) -> bool:
    """Whether any method was run more than once."""
    return any(entry["runs"] > 1 for entry in found["arms"])


def methods(found: Mapping[str, Any], table: Table) -> str:
    """HTML: a plot for each column of the summary, and a table of every figure's difference from the baseline."""
    entries = {(e["set"], e["metric"], e["side"], e["arm"]): e for e in found["arms"]}
    plots = ""
    for index, (title, unit, side) in enumerate(table.columns):
        shown = {arm: cells[index] for arm, cells in table.rows.items()}
        runs = {arm: cell.runs for arm, cell in shown.items() if cell is not None}
        plots += dots(f"{title} {unit}, {side}".strip(), runs)
    body = ""
    for (name, metric, side, arm), entry in entries.items():
        if entry["p"] is None or metric.endswith("_gold"):
            continue
        base = entries[name, metric, side, entry["against"]]
        difference = f"{entry['mean'] - base['mean']:+.1f}"
        named = "".join(f"<th>{html.escape(text)}</th>" for text in (arm, name, metric, side))
        runs_ = f"<td>{entry['mean']:.1f} ± {entry['sd']:.1f}</td><td>{entry['runs']}</td>"
        shown_ = f"<b>{difference}</b>" if entry["p"] < SURE else difference
        body += f"<tr>{named}{runs_}<td>{shown_}</td><td>{entry['p']:.3f}</td></tr>"
    baseline = next((e["against"] for e in found["arms"] if e["against"]), "")
    heads = ("", "", "", "", "mean ± sd", "runs", f"difference from {baseline}", "p (Welch)")
    head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
    text = "A dot is a run; the line goes from one standard deviation below the mean to one above."
    drawn = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    tests = f"<details><summary>Tests against {html.escape(baseline)}</summary>{drawn}</details>" if body else ""
    return f'<p class="note">{text}</p><div class="plots">{plots}</div>{tests}'
