"""report.html and report.md: readable by someone who did not run the evaluation.

The HTML file needs nothing but itself: styles and plots (SVG) stand in it, and there is no script.
"""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from polydistill.engine.languages import get_language
from polydistill.engine.storage.shards import Folder
from polydistill.eval.config import Eval
from polydistill.eval.data.sets import Set
from polydistill.eval.question import Answer
from polydistill.eval.reporting.methods import methods, one_per_arm, several_runs
from polydistill.eval.reporting.plots import bars, colors, lines, scatter
from polydistill.eval.reporting.results import arm as arm_of
from polydistill.eval.reporting.table import arm_table, to_html, to_markdown

PAGE = Path(__file__).with_name("report.html")

METRICS = {
    "accuracy": "Accuracy",
    "f1": "F1",
    "em": "Exact match",
    "bleu": "BLEU",
    "chrf++": "chrF++",
    "comet": "COMET",
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
    "off_target": "Off-target",
    "f1_all": "F1, unanswerable questions included",
    "f1_tuned": "F1 at the best threshold",
    "f1_language": "F1 by the language's rules",
    "em_language": "Exact match by the language's rules",
}
TITLES = {
    "belebele": "BELEBELE: reading comprehension",
    "flores_into": "FLORES: translation into the targets",
    "flores_from": "FLORES: translation from the targets",
    "xlsum": "XL-Sum: summaries",
    "mkqa": "MKQA: open questions",
    "mgsm": "MGSM: grade-school mathematics",
    "xquad": "XQuAD: answers in a passage",
    "mlqa": "MLQA: answers in a passage",
    "xnli": "XNLI: entailment",
    "mlama": "mLAMA: facts",
    "sib200": "SIB-200: topics",
    "xcopa": "XCOPA: causes and effects",
    "off_target": "Off-target answers",
}


def write_report(
    found: Mapping[str, Any], sets: Sequence[Set], answers: Mapping[str, Any], config: Eval, place: Folder
) -> None:
    """Write report.html and report.md beside metrics.json."""
    place.write("report.html", page(found, sets, answers, config).encode())
    place.write("report.md", markdown(found).encode())


def page(found: Mapping[str, Any], sets: Sequence[Set], answers: Mapping[str, Any], config: Eval) -> str:
    """The whole HTML page."""
    table = arm_table(found)
    parts = [
        section("What was evaluated", _models(found)),
        section("Summary", to_html(table)),
        section("Methods and their runs", methods(found, table)) if several_runs(found) else "",
        *(_set_section(found, name) for name in dict.fromkeys(row["set"] for row in found["results"])),
        section("Compared with " + _first_model(found), _comparisons(found)) if found["comparisons"] else "",
        section("Languages inside the models", _geometry(found["geometry"])) if found.get("geometry") else "",
        section("Samples", _samples(sets, answers, config.samples)) if config.samples else "",
        section("What was asked", _accounting(found)),
    ]
    return PAGE.read_text(encoding="utf-8").replace("<!-- content -->", "\n".join(parts))


def wide(head: str, body: str) -> str:
    """A table that scrolls sideways where the window is narrow."""
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _models(found: Mapping[str, Any]) -> str:
    """Which models, in which languages, and how."""
    config = found["config"]
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(path)}</td></tr>" for name, path in found["models"].items()
    )
    targets = ", ".join(get_language(code).name for code in config["targets"] or [])
    source = get_language(config["source"]).name
    level = round(100 * config["confidence"])
    text = (
        f"Targets: {targets or 'none'}; source language: {source}. Answers are greedy. Thin lines on bars and square "
        f"brackets are {level}% intervals; ± is the standard deviation over the runs of an arm (arm/run). Numbers are "
        "on a scale of 0 to 100, and the signature of each says how it was computed."
    )
    return f'<p class="note">{html.escape(text)}</p><table class="models"><tbody>{rows}</tbody></table>'


def section(title: str, body: str) -> str:
    """A headed part of the page."""
    return f"<section><h2>{html.escape(title)}</h2>{body}</section>"


def _first_model(found: Mapping[str, Any]) -> str:
    return next((row["against"] for row in found["comparisons"]), "")


def _set_section(found: Mapping[str, Any], name: str) -> str:
    """Plots and numbers of one set: a plot for each metric, one table of all."""
    rows = [row for row in found["results"] if row["set"] == name]
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    gold = {row["language"]: row["value"] for row in rows if row["metric"] == "off_target_gold" and row["n"]}
    shown = one_per_arm(rows) if several_runs(found) else rows
    plots = "".join(
        bars(
            METRICS.get(metric, metric),
            [row for row in shown if row["metric"] == metric],
            gold if metric == "off_target" else None,
        )
        for metric in metrics
        if metric != "off_target_gold"
    )
    signatures = {row["metric"]: row["signature"] for row in rows}
    listed = "".join(f"<dt>{html.escape(m)}</dt><dd>{html.escape(s)}</dd>" for m, s in signatures.items())
    numbers = f"<details><summary>All numbers</summary>{_numbers(rows, metrics)}</details>"
    signed = f'<details><summary>Signatures</summary><dl class="signatures">{listed}</dl></details>'
    return section(TITLES.get(name, name), f'<div class="plots">{plots}</div>{numbers}{signed}')


def _numbers(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> str:
    cells = {(row["model"], row["language"], row["metric"]): row for row in rows}
    keys = list(dict.fromkeys((row["language"], row["model"]) for row in rows))
    head = "".join(f"<th>{html.escape(metric)}</th>" for metric in metrics)
    body = ""
    for language, model in keys:
        values = "".join(_interval(cells.get((model, language, metric))) for metric in metrics)
        body += f"<tr><th>{html.escape(get_language(language).name)}</th><th>{html.escape(model)}</th>{values}</tr>"
    return wide(f"<th></th><th></th>{head}", body)


def _interval(row: Mapping[str, Any] | None) -> str:
    if row is None or not row["n"]:
        return "<td>–</td>"
    return f"<td>{row['value']:.1f} <small>[{row['low']:.1f}, {row['high']:.1f}]</small></td>"


def _comparisons(found: Mapping[str, Any]) -> str:
    body = ""
    for row in found["comparisons"]:
        sure = row["low"] > 0 or row["high"] < 0
        difference = f"{row['difference']:+.1f} <small>[{row['low']:+.1f}, {row['high']:+.1f}]</small>"
        cells = [row["model"], row["set"], get_language(row["language"]).name, row["metric"]]
        named = "".join(f"<th>{html.escape(cell)}</th>" for cell in cells)
        counts = f"<td>{row['wins']}</td><td>{row['losses']}</td><td>{row['ties']}</td>"
        shown = f"<b>{difference}</b>" if sure else difference
        body += f"<tr>{named}<td>{shown}</td><td>{row['p']:.3f}</td>{counts}</tr>"
    heads = "".join(f"<th>{h}</th>" for h in ("", "", "", "", "difference", "p", "better", "worse", "same"))
    text = "Paired bootstrap over the same questions; bold where the interval leaves out 0. "
    text += "Better, worse and same count questions."
    table = wide(heads, body)
    summary = f"{len(found['comparisons'])} comparisons"
    return f'<p class="note">{text}</p><details><summary>{summary}</summary>{table}</details>'


def _geometry(found: Mapping[str, Any]) -> str:
    """Retrieval by layer for each language, then the t-SNE pictures of the first run of each arm."""
    shown = list({arm_of(model): model for model in reversed(list(found))}.values())[::-1]
    languages = list(dict.fromkeys(row["language"] for row in found[shown[0]]["retrieval"]))
    color = colors(shown)
    plots = ""
    for language in languages:
        series = {
            model: [row["accuracy"] for row in found[model]["retrieval"] if row["language"] == language]
            for model in shown
        }
        plots += lines(f"{get_language(language).name}: translation found, %", series, color)
    pictures = "".join(scatter(model, found[model]["tsne"]) for model in shown)
    head = "".join(f"<th>{text}</th>" for text in ("", "", "best layer", "accuracy", "mean rank", "of"))
    body = ""
    for model, values in found.items():
        for language in languages:
            best = max((r for r in values["retrieval"] if r["language"] == language), key=lambda r: r["accuracy"])
            named = f"<th>{html.escape(model)}</th><th>{html.escape(get_language(language).name)}</th>"
            cells = f"<td>{best['layer']}</td><td>{best['accuracy']:.1f}</td><td>{best['mean_rank']:.1f}</td>"
            body += f"<tr>{named}{cells}<td>{best['n']}</td></tr>"
    text = (
        "How often the nearest source-language sentence is the translation, by layer (0: embedding; chance is one in "
        "the number of sentences). Below: t-SNE of the last layer's vectors. Distances between clusters in such a "
        "picture mean little; the numbers do not depend on its seed."
    )
    signature = html.escape(found[shown[0]]["signature"])
    numbers = f"<details><summary>By model and language</summary>{wide(head, body)}</details>"
    both = f'<div class="plots">{plots}</div><div class="plots">{pictures}</div>'
    return f'<p class="note">{text} <small>{signature}</small></p>{both}{numbers}'


def _samples(sets: Sequence[Set], answers: Mapping[str, Any], count: int) -> str:
    """The first questions of each set: every model's answer beside the reference."""
    parts = []
    for entry in sets:
        items = ""
        for index, question in enumerate(entry.questions[:count]):
            asked = question.instruction + (f"\n{question.input}" if question.input else "")
            rows = "".join(_answer(model, by_set, entry, index) for model, by_set in answers.items())
            gold = " / ".join(question.gold[:4]) or "–"
            items += (
                f'<div class="sample" lang="{get_language(entry.language).locale}">'
                f"<pre>{html.escape(asked[:1500])}</pre>"
                f"<table><tr class='gold'><th>reference</th><td>{html.escape(gold)}</td></tr>{rows}</table></div>"
            )
        title = f"{TITLES.get(entry.name, entry.name)}, {get_language(entry.language).name}"
        parts.append(f"<details><summary>{html.escape(title)}</summary>{items}</details>")
    return "".join(parts)


def _answer(model: str, by_set: Mapping[tuple[str, str], list[Answer]], entry: Set, index: int) -> str:
    answer = by_set[entry.name, entry.language][index]
    mark = {"length": " ✂", "too_long": " (not asked: too long)"}.get(answer.finish, "")
    return f"<tr><th>{html.escape(model)}</th><td>{html.escape(answer.text)}{mark}</td></tr>"


def _accounting(found: Mapping[str, Any]) -> str:
    body = ""
    for row in found["accounting"]:
        counts = "".join(f"<td>{row[key]:,}</td>" for key in ("questions", "cut", "too_long", "tokens"))
        named = "".join(f"<th>{html.escape(row[key])}</th>" for key in ("model", "set", "language"))
        body += f"<tr>{named}{counts}</tr>"
    heads = ("", "", "", "questions", "cut at the longest length", "too long to ask", "tokens generated")
    head = "".join(f"<th>{text}</th>" for text in heads)
    table = wide(head, body)
    cut = sum(row["cut"] for row in found["accounting"])
    long = sum(row["too_long"] for row in found["accounting"])
    asked = sum(row["questions"] for row in found["accounting"])
    text = f"{asked:,} answers; {cut:,} were cut at the longest length, {long:,} prompts did not fit the model."
    return f"<p>{text}</p><details><summary>By model, set and language</summary>{table}</details>"


def markdown(found: Mapping[str, Any]) -> str:
    """The Markdown report: the table, then every number with its interval."""
    lines = ["# Evaluation", "", to_markdown(arm_table(found)), "## All numbers", ""]
    lines += ["| set | language | metric | model | value | interval | n |", "|---|---|---|---|---|---|---|"]
    for row in found["results"]:
        span = f"{row['low']:.1f} – {row['high']:.1f}" if row["n"] else ""
        value = f"{row['value']:.1f}" if row["n"] else ""
        cells = [row["set"], row["language"], row["metric"], row["model"], value, span, str(row["n"])]
        lines.append("| " + " | ".join(cells) + " |")
    signatures = dict.fromkeys((row["set"], row["metric"], row["signature"]) for row in found["results"])
    lines += ["", "## Signatures", ""] + [f"- {name} {metric}: `{signature}`" for name, metric, signature in signatures]
    return "\n".join(lines) + "\n"
