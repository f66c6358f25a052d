"""The numbers for papers and tools: report.md, report.tex, results.csv, and figures as SVG and PDF."""

import csv
import io
from collections import defaultdict

from polydistill.engine.languages import get_language
from polydistill.engine.storage.shards import Folder
from polydistill.eval.reporting.methods import one_per_arm
from polydistill.eval.reporting.names import metric_name, metric_title, set_title
from polydistill.eval.reporting.plots import colors
from polydistill.eval.reporting.render import escape_markdown, to_latex, to_markdown
from polydistill.eval.reporting.table import summary
from polydistill.eval.scores import Result, ScoresRecord, arm


def to_report_markdown(record: ScoresRecord) -> str:
    """The Markdown report: the tables, then every number with its interval."""
    kinds = summary(record, "kind")
    lines = ["# Evaluation", "", to_markdown(summary(record))]
    lines += ["## Understanding and generation", "", to_markdown(kinds)] if kinds.columns else []
    lines += ["## By language", "", to_markdown(summary(record, "language")), "## All numbers", ""]
    lines += ["| set | language | metric | model | value | interval | n |", "|---|---|---|---|---|---|---|"]
    for row in record.results:
        span = f"{row.low:.1f} – {row.high:.1f}" if row.n else ""
        value = f"{row.value:.1f}" if row.n else ""
        cells = [row.set, row.language, row.metric, escape_markdown(row.model), value, span, str(row.n)]
        lines.append("| " + " | ".join(cells) + " |")
    signatures = dict.fromkeys((row.set, row.metric, row.signature) for row in record.results)
    lines += ["", "## Signatures", ""] + [f"- {name} {metric}: `{signature}`" for name, metric, signature in signatures]
    return "\n".join(lines) + "\n"


def to_report_latex(record: ScoresRecord) -> str:
    """The LaTeX tables: sides, kinds of benchmarks, languages."""
    tables = {"scores": summary(record), "kinds": summary(record, "kind"), "languages": summary(record, "language")}
    return "\n".join(to_latex(table, label) for label, table in tables.items() if table.columns)


def to_csv(record: ScoresRecord) -> str:
    """Every result as a row: arm, model and the fields of `eval.scores.Result`."""
    text = io.StringIO()
    fields = list(Result.__dataclass_fields__)
    writer = csv.DictWriter(text, ["arm", *fields], lineterminator="\n")
    writer.writeheader()
    for row in record.results:
        writer.writerow({"arm": arm(row.model), **vars(row)})
    return text.getvalue()


def write_figures(record: ScoresRecord, folder: Folder) -> None:
    """figures/<set>-<metric>.svg and .pdf for each column of the summary: bars with intervals, by language and arm."""
    results = one_per_arm(record.results)
    for column in record.headlines:
        rows = [row for row in results if (row.set, row.metric) == (column.set, column.metric) and row.n]
        if rows:
            title = f"{set_title(record, column.set)}, {metric_title(column.metric)}"
            name = f"figures/{column.set}-{column.metric}"
            for kind, drawn in _drawn(title, rows).items():
                folder.write(f"{name}.{kind}", drawn)


def _drawn(title: str, rows: list[Result]) -> dict[str, bytes]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    # Text stays text in SVG; PDF embeds outlines that every reader has; neither names the time, so runs are comparable.
    matplotlib.rcParams.update({"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "polydistill"})
    languages = list(dict.fromkeys(row.language for row in rows))
    color = colors([row.model for row in rows])
    by_model: dict[str, list[Result]] = defaultdict(list)
    for row in rows:
        by_model[row.model].append(row)
    width = 0.8 / len(by_model)
    figure, axes = pyplot.subplots(figsize=(1.5 + 0.9 * len(languages), 2.6), layout="constrained")
    for number, (model, own) in enumerate(by_model.items()):
        at = [languages.index(row.language) + (number - (len(by_model) - 1) / 2) * width for row in own]
        values = [row.value or 0.0 for row in own]
        reach = [
            [max(0.0, value - (row.low or 0.0)) for value, row in zip(values, own)],
            [max(0.0, (row.high or 0.0) - value) for value, row in zip(values, own)],
        ]
        axes.bar(at, values, width, yerr=reach, color=color[model], label=model, error_kw={"linewidth": 0.8})
    axes.set_xticks(range(len(languages)), [get_language(code).name for code in languages], rotation=30, ha="right")
    axes.set_ylabel(metric_name(rows[0].metric))
    axes.set_ylim(0, max([row.high or 0.0 for row in rows]) * 1.05 or 1.0)
    axes.set_title(title, fontsize="small")
    figure.legend(fontsize="x-small", loc="outside right upper")
    drawn = {}
    for kind, stamp in (("svg", "Date"), ("pdf", "CreationDate")):
        file = io.BytesIO()
        figure.savefig(file, format=kind, metadata={stamp: None})
        drawn[kind] = file.getvalue()
    pyplot.close(figure)
    return drawn
