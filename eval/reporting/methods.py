"""Methods with several runs each: where every run landed, how far the runs of a method lie apart, and the tests."""

import html
from collections.abc import Sequence
from dataclasses import replace

from polydistill.eval.reporting.names import metric_name
from polydistill.eval.reporting.plots import dots
from polydistill.eval.reporting.table import SURE, Table
from polydistill.eval.scores import Result, ScoresRecord, arm


def one_per_arm(rows: Sequence[Result]) -> list[Result]:
    """Results of single runs -> one for each arm, language and metric, value and interval averaged.

    The interval is the questions' uncertainty of a run, not the spread of the runs.
    """
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for row in rows:
        groups.setdefault((arm(row.model), row.language, row.metric), []).append(row)
    averaged = []
    for (name, _, _), group in groups.items():
        known = [(row.value, row.low, row.high) for row in group if None not in (row.value, row.low, row.high)]
        value, low, high = (
            (sum(v or 0.0 for v in values) / len(known) for values in zip(*known)) if known else [None] * 3
        )
        averaged.append(replace(group[0], model=name, value=value, low=low, high=high))
    return averaged


def methods(record: ScoresRecord, table: Table) -> str:
    """HTML: a plot for each column of the summary, and a table of every arm's difference from the baseline."""
    plots = ""
    for index, column in enumerate(table.columns):
        shown = {name: cells[index] for name, cells in table.rows.items()}
        runs = {name: cell.runs for name, cell in shown.items() if cell is not None}
        plots += dots(f"{column.top}, {column.side}", runs)
    body = ""
    for entry in record.arms:
        effect = entry.effect
        if effect is None:
            continue
        difference = f"{effect.difference:+.1f} <small>[{effect.low:+.1f}, {effect.high:+.1f}]</small>"
        named = "".join(
            f"<th>{html.escape(text)}</th>" for text in (entry.arm, entry.set, metric_name(entry.metric), entry.side)
        )
        runs_ = f"<td>{entry.mean:.1f} ± {entry.sd or 0:.1f}</td><td>{entry.runs}</td>"
        shown_ = f"<b>{difference}</b>" if effect.p < SURE else difference
        size = (
            "–" if effect.g is None else f"{effect.g:+.1f} <small>[{effect.g_low:+.1f}, {effect.g_high:+.1f}]</small>"
        )
        tests = f"<td>{effect.p:.3f}</td><td>{effect.p_holm:.3f}</td>"
        body += f"<tr>{named}{runs_}<td>{shown_}</td><td>{size}</td>{tests}</tr>"
    heads = ["", "", "", "", "mean ± sd", "runs", f"difference from {record.baseline}", "Hedges' g", "p", "p (Holm)"]
    head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
    text = (
        "A dot is a run; the line goes from one standard deviation below the mean to one above. Tests are Welch's t "
        "over runs. Holm's correction counts all tests of the summary, or all those of other metrics."
    )
    drawn = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    listed = (
        f"<details><summary>Tests against {html.escape(record.baseline)}</summary>{drawn}</details>" if body else ""
    )
    return f'<p class="note">{text}</p><div class="plots">{plots}</div>{listed}'
