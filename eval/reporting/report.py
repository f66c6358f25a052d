"""report.html: readable by someone who did not run the evaluation.

The file needs nothing but itself: styles and plots (SVG) stand in it, and there is no script.
"""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from polydistill.engine.languages import get_language
from polydistill.eval.config import Eval
from polydistill.eval.data.sets import Set
from polydistill.eval.question import Answer
from polydistill.eval.reporting.export import to_csv, to_report_latex, to_report_markdown, write_figures
from polydistill.eval.reporting.methods import methods, one_per_arm
from polydistill.eval.reporting.names import metric_name, metric_title, set_title
from polydistill.eval.reporting.plots import bars, colors, lines, scatter
from polydistill.eval.reporting.render import to_html
from polydistill.eval.reporting.table import summary
from polydistill.eval.scores import Result, Scores, ScoresRecord
from polydistill.eval.scores import arm as arm_of

PAGE = Path(__file__).with_name("report.html")
Answers = Mapping[str, Mapping[tuple[str, str], list[Answer]]]


def write_report(scores: Scores, sets: Sequence[Set], answers: Answers, config: Eval) -> None:
    """Write report.html, report.md, report.tex, results.csv and figures/ next to metrics.json."""
    record, folder = scores.record, scores.folder
    folder.write("report.html", page(record, sets, answers, config.samples).encode())
    folder.write("report.md", to_report_markdown(record).encode())
    folder.write("report.tex", to_report_latex(record).encode())
    folder.write("results.csv", to_csv(record).encode())
    write_figures(record, folder)


def page(record: ScoresRecord, sets: Sequence[Set], answers: Answers, samples: int) -> str:
    """The whole HTML page."""
    table, kinds = summary(record), summary(record, "kind")
    parts = [
        section("What was evaluated", _models(record)),
        section("Summary", to_html(table)),
        section("Understanding and generation", to_html(kinds)) if kinds.columns else "",
        section("By language", to_html(summary(record, "language"))),
        section("Methods and their runs", methods(record, table)) if record.several_runs else "",
        *(_set_section(record, name) for name in dict.fromkeys(row.set for row in record.results)),
        section("Compared with " + record.comparisons[0].against, _comparisons(record)) if record.comparisons else "",
        section("Likeness of answers across languages", _likeness(record)) if record.likeness else "",
        section("Languages inside the models", _geometry(record)) if record.geometry else "",
        section("Samples", _samples(record, sets, answers, samples)) if samples else "",
        section("What was asked", _accounting(record)),
    ]
    return PAGE.read_text(encoding="utf-8").replace("<!-- content -->", "\n".join(parts))


def section(title: str, body: str) -> str:
    """A headed part of the page."""
    return f"<section><h2>{html.escape(title)}</h2>{body}</section>"


def wide(head: str, body: str) -> str:
    """A table that scrolls sideways where the window is narrow."""
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _heads(*texts: str) -> str:
    return "".join(f"<th>{html.escape(text)}</th>" for text in texts)


def _models(record: ScoresRecord) -> str:
    """Which models, in which languages, and how."""
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(model.path)}</td></tr>"
        for name, model in record.models.items()
    )
    targets = ", ".join(get_language(code).name for code in record.targets)
    level = round(100 * record.confidence)
    prompt, dtype = record.student.get("prompt"), record.student.get("engine")
    text = (
        f"Targets: {targets or 'none'}; source language: {get_language(record.source).name}. Prompt template: "
        f"{prompt}; engine: {dtype or 'vLLM defaults'}. Answers are greedy. Thin lines on bars and square brackets are "
        f"{level}% intervals; ± is the standard deviation over the runs of an arm (arm/run). Numbers are on a scale "
        "of 0 to 100, and the signature of each says how it was asked and computed."
    )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in record.notes)
    listed = f'<ul class="note">{notes}</ul>' if notes else ""
    return f'<p class="note">{html.escape(text)}</p>{listed}<table class="models"><tbody>{rows}</tbody></table>'


def _set_section(record: ScoresRecord, name: str) -> str:
    """Plots and numbers of one set: a plot for each metric, one table of all."""
    rows = [row for row in record.results if row.set == name]
    metrics = list(dict.fromkeys(row.metric for row in rows))
    gold = {row.language: row.value for row in rows if row.metric == "off_target_gold" and row.value is not None}
    shown = one_per_arm(rows) if record.several_runs else rows
    plots = "".join(
        bars(
            metric_title(metric),
            [row for row in shown if row.metric == metric],
            gold if metric == "off_target" else None,
        )
        for metric in metrics
        if metric != "off_target_gold"
    )
    signatures = dict.fromkeys((metric_name(row.metric), row.signature) for row in rows)
    listed = "".join(f"<dt>{html.escape(m)}</dt><dd>{html.escape(s)}</dd>" for m, s in signatures)
    numbers = f"<details><summary>All numbers</summary>{_numbers(rows, metrics)}</details>"
    signed = f'<details><summary>Signatures</summary><dl class="signatures">{listed}</dl></details>'
    return section(set_title(record, name), f'<div class="plots">{plots}</div>{numbers}{signed}')


def _numbers(rows: Sequence[Result], metrics: Sequence[str]) -> str:
    cells = {(row.model, row.language, row.metric): row for row in rows}
    body = ""
    for language, model in dict.fromkeys((row.language, row.model) for row in rows):
        values = "".join(_interval(cells.get((model, language, metric))) for metric in metrics)
        body += f"<tr><th>{html.escape(get_language(language).name)}</th><th>{html.escape(model)}</th>{values}</tr>"
    return wide(_heads("", "", *map(metric_name, metrics)), body)


def _interval(row: Result | None) -> str:
    if row is None or not row.n:
        return "<td>–</td>"
    return f"<td>{row.value:.1f} <small>[{row.low:.1f}, {row.high:.1f}]</small></td>"


def _comparisons(record: ScoresRecord) -> str:
    body = ""
    for row in record.comparisons:
        difference = f"{row.difference:+.1f} <small>[{row.low:+.1f}, {row.high:+.1f}]</small>"
        cells = [row.model, row.set, get_language(row.language).name, metric_name(row.metric)]
        named = "".join(f"<th>{html.escape(cell)}</th>" for cell in cells)
        counts = f"<td>{row.wins}</td><td>{row.losses}</td><td>{row.ties}</td>"
        shown = f"<b>{difference}</b>" if row.low > 0 or row.high < 0 else difference
        body += f"<tr>{named}<td>{shown}</td><td>{row.p:.3f}</td><td>{row.p_holm:.3f}</td>{counts}</tr>"
    text = "Paired bootstrap over the same questions; bold where the interval leaves out 0. "
    text += "Holm's correction counts all comparisons of this table. Better, worse and same count questions."
    table = wide(_heads("", "", "", "", "difference", "p", "p (Holm)", "better", "worse", "same"), body)
    summary_ = f"{len(record.comparisons)} comparisons"
    return f'<p class="note">{text}</p><details><summary>{summary_}</summary>{table}</details>'


def _likeness(record: ScoresRecord) -> str:
    body = ""
    for row in record.likeness:
        named = "".join(f"<th>{html.escape(t)}</th>" for t in (row.model, row.set, get_language(row.language).name))
        body += f"<tr>{named}<td>{row.value:.1f}</td><td>{row.both_right:.1f}</td><td>{row.n}</td></tr>"
    source = get_language(record.source).name
    text = (
        f"How often a question is answered as the same question in {source} is: with the same candidate, or, where "
        "answers are generated, right in both languages or wrong in both."
    )
    table = wide(_heads("", "", "", "alike, %", "right in both, %", "questions"), body)
    return f'<p class="note">{text}</p><details><summary>By model, set and language</summary>{table}</details>'


def _geometry(record: ScoresRecord) -> str:
    """Retrieval by layer for each language, then the t-SNE pictures of the first run of each arm."""
    found = record.geometry
    shown = list({arm_of(model): model for model in reversed(list(found))}.values())[::-1]
    languages = list(dict.fromkeys(row.language for row in found[shown[0]].retrieval))
    color = colors(shown)
    plots = ""
    for language in languages:
        series = {
            model: [row.accuracy for row in found[model].retrieval if row.language == language] for model in shown
        }
        plots += lines(f"{get_language(language).name}: translation found, %", series, color)
    pictures = "".join(scatter(model, found[model].tsne) for model in shown)
    head = "".join(f"<th>{text}</th>" for text in ("", "", "best layer", "accuracy", "mean rank", "of"))
    body = ""
    for model, values in found.items():
        for language in languages:
            best = max((r for r in values.retrieval if r.language == language), key=lambda r: r.accuracy)
            named = f"<th>{html.escape(model)}</th><th>{html.escape(get_language(language).name)}</th>"
            cells = f"<td>{best.layer}</td><td>{best.accuracy:.1f}</td><td>{best.mean_rank:.1f}</td>"
            body += f"<tr>{named}{cells}<td>{best.n}</td></tr>"
    text = (
        "How often the nearest source-language sentence is the translation, by layer (0: embedding; chance is one in "
        "the number of sentences). Below: t-SNE of the last layer's vectors. Distances between clusters in such a "
        "picture mean little; the numbers do not depend on its seed."
    )
    signature = html.escape(found[shown[0]].signature)
    numbers = f"<details><summary>By model and language</summary>{wide(head, body)}</details>"
    both = f'<div class="plots">{plots}</div><div class="plots">{pictures}</div>'
    return f'<p class="note">{text} <small>{signature}</small></p>{both}{numbers}'


def _samples(record: ScoresRecord, sets: Sequence[Set], answers: Answers, count: int) -> str:
    """The first questions of each set: every model's answer and the reference."""
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
        title = f"{set_title(record, entry.name)}, {get_language(entry.language).name}"
        parts.append(f"<details><summary>{html.escape(title)}</summary>{items}</details>")
    return "".join(parts)


def _answer(model: str, by_set: Mapping[tuple[str, str], list[Answer]], entry: Set, index: int) -> str:
    answer = by_set[entry.name, entry.language][index]
    mark = {"length": " ✂", "too_long": " (not asked: too long)"}.get(answer.finish, "")
    return f"<tr><th>{html.escape(model)}</th><td>{html.escape(answer.text)}{mark}</td></tr>"


def _accounting(record: ScoresRecord) -> str:
    body = ""
    for row in record.accounting:
        counts = "".join(f"<td>{count:,}</td>" for count in (row.questions, row.cut, row.too_long, row.tokens))
        named = "".join(f"<th>{html.escape(text)}</th>" for text in (row.model, row.set, row.language))
        body += f"<tr>{named}{counts}</tr>"
    heads = ("", "", "", "questions", "cut at the maximum length", "too long to ask", "tokens generated")
    head = "".join(f"<th>{text}</th>" for text in heads)
    table = wide(head, body)
    cut = sum(row.cut for row in record.accounting)
    long = sum(row.too_long for row in record.accounting)
    asked = sum(row.questions for row in record.accounting)
    text = f"{asked:,} answers; {cut:,} were cut at the maximum length, {long:,} prompts did not fit the model."
    return f"<p>{text}</p><details><summary>By model, set and language</summary>{table}</details>"
