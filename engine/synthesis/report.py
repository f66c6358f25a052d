"""What a synthesis run made: a table for the terminal, `report.json`, and `report.html` to open in a browser."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import pyarrow.compute as pc

from polydistill.engine import schema
from polydistill.engine.generation.answers import AnswerFigures, Answers
from polydistill.engine.languages import get_language
from polydistill.engine.prompts.artifact import open_prompts
from polydistill.engine.storage.figures import QUALITY_EDGES, RATIO_EDGES, RescueFigures, RowFigures, merge
from polydistill.engine.storage.pool import Pool, open_pool
from polydistill.engine.storage.record import write_record
from polydistill.engine.storage.run_folder import GENERATED
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.summary import read_summary

SAMPLES = 5
"""Kept rows, and dropped rows of each reason, shown for each language."""


@dataclass(frozen=True)
class PromptFigures:
    """What became of the rows of the sources."""

    rows_read: int
    rows_kept: int
    dropped: dict[str, int]  # reason -> rows


@dataclass(frozen=True)
class Report:
    """The figures of a run (`report.json`)."""

    prompts: PromptFigures
    languages: dict[str, RowFigures]  # target language -> its rows
    curve: list[tuple[float, int]]  # (seconds, pool rows so far) of the last call
    answers: AnswerFigures = field(default_factory=AnswerFigures)  # of the student
    unidentified: list[str] = field(default_factory=list)  # targets that the language-ID model does not know
    quality_edges: list[float] = field(default_factory=QUALITY_EDGES.tolist)
    length_ratio_edges: list[float] = field(default_factory=RATIO_EDGES.tolist)
    format: int = 2


def write_report(location: str | Folder, unidentified: Sequence[str] = ()) -> str:
    """Write `report.json` and `report.html` into the run's folder; return the table for the terminal.

    Reads the units' records, and one shard of each language for the samples.

    Args:
        location: the run's folder.
        unidentified: targets without a label in the language-ID model (`language_id.unknown_targets`).
    """
    folder = Folder.of(location)
    pool = open_pool(folder)
    prompts = open_prompts(folder).record
    summary = read_summary(folder)
    report = Report(
        PromptFigures(prompts.rows_read, prompts.rows_kept, prompts.dropped),
        {target: merge(record.figures for record in units.values()) for target, units in pool.records.items()},
        summary.curve if summary else [],
        Answers(folder / GENERATED).figures(),
        [target for target in pool.targets if target in unidentified],
    )
    write_record(folder, "report.json", report)
    samples = {target: _samples(pool, target) for target in pool.targets}
    folder.write("report.html", _html(report, samples, folder.root).encode())
    return _text(report, folder.root)


def _text(report: Report, root: str) -> str:
    prompts = report.prompts
    lines = [f"{root}: {prompts.rows_read:,} rows read, {prompts.rows_kept:,} usable{_list(prompts.dropped)}"]
    if report.answers.rows:
        lines.append(f"  {report.answers.text()}")
    for target, known in report.languages.items():
        share = known.kept / max(known.rows, 1)
        lines.append(f"  {target}  {known.rows:>9,} rows  {known.kept:>9,} kept ({share:.0%}){_list(known.reasons)}")
        if known.rescue is not None:
            lines.append(f"            {_rescued(known.rescue, known.rows)}")
    if report.unidentified:
        lines.append(
            f"  not known to the language-ID model: {', '.join(report.unidentified)}. "
            "There only texts left in the source language were noticed"
        )
    return "\n".join(lines)


def _rescued(known: RescueFigures, rows: int) -> str:
    """What a second chance brought and cost in one language."""
    first, beam = (count / max(rows, 1) for count in (known.kept_without_rescue, known.kept_without_fallback))
    further = known.estimates_beam + known.estimates_fallback
    return (
        f"kept {first:.1%} by first hypotheses, {beam:.1%} with the next best; quality estimates: {known.estimates:,} "
        f"and {further:,} more; {known.texts_fallback:,} texts translated by the fallback"
    )


def _list(reasons: dict[str, int]) -> str:
    if not reasons:
        return ""
    items = sorted(reasons.items(), key=lambda item: -item[1])
    return "; dropped: " + ", ".join(f"{name} {count:,}" for name, count in items)


def _samples(pool: Pool, target: str) -> list[dict[str, Any]]:
    """A few rows, kept ones first, then some of each drop reason, from the language's first shard."""
    columns = ["id", "reason", "instruction", "mt_instruction", "truth", "mt_truth", "self", "mt_self", "scores_truth"]
    table = pool.table(target, min(pool.records[target]), columns)
    picked = []
    for reason in [None, *pc.unique(table["reason"].drop_null()).to_pylist()]:
        mask = pc.is_null(table["reason"]) if reason is None else pc.equal(table["reason"], reason)
        picked += table.filter(mask).slice(0, SAMPLES).to_pylist()
    return picked


def _bars(counts: list[int], edges: list[float], label: str) -> str:
    """A histogram as inline SVG."""
    width, height, peak = 300, 90, max(counts, default=0) or 1
    step = width / len(counts)
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{height - height * count / peak:.1f}" width="{step - 1:.1f}" '
        f'height="{height * count / peak:.1f}"><title>{edges[i]:.2f} to {edges[i + 1]:.2f}: {count:,}</title></rect>'
        for i, count in enumerate(counts)
    )
    ticks = "".join(
        f'<text x="{x * width:.0f}" y="{height + 14}" text-anchor="{anchor}">{edge:.3g}</text>'
        for x, anchor, edge in ((0, "start", edges[0]), (0.5, "middle", edges[len(edges) // 2]), (1, "end", edges[-1]))
    )
    svg = f'<svg viewBox="0 -2 {width} {height + 20}" role="img" aria-label="{label}">{bars}{ticks}</svg>'
    return f"<figure>{svg}<figcaption>{label}</figcaption></figure>"


def _throughput(curve: list[tuple[float, int]]) -> str:
    """Pool rows against time, as inline SVG."""
    if len(curve) < 2:
        return ""
    width, height, end, top = 640, 160, curve[-1][0] or 1, curve[-1][1] or 1
    points = " ".join(f"{width * t / end:.1f},{height - height * rows / top:.1f}" for t, rows in curve)
    label = f"{top:,.0f} pool rows in {end:,.0f} s ({top / end:,.0f} rows/s); the curve is rows over time"
    return (
        f'<figure class="wide"><svg viewBox="0 -2 {width} {height + 4}" role="img" aria-label="{label}">'
        f'<polyline points="0,{height} {points}"/></svg><figcaption>{label}</figcaption></figure>'
    )


def _language(target: str, known: RowFigures, samples: list[dict[str, Any]], report: Report) -> str:
    reasons = "".join(
        f"<tr><td>{escape(name)}</td><td>{count:,}</td><td>{count / max(known.rows, 1):.1%}</td></tr>"
        for name, count in sorted(known.reasons.items(), key=lambda item: -item[1])
    )
    plots = ""
    for name in schema.FIELDS:
        figures = known.fields[name]
        for counts, edges, label in (
            (figures.quality, report.quality_edges, "quality estimate"),
            (figures.length_ratio, report.length_ratio_edges, "length, hypothesis / source"),
        ):
            if any(counts):
                plots += _bars(counts, edges, f"{name}: {label}")
    rows = ""
    for row in samples:
        score = (row["scores_truth"] or {}).get("quality")
        cells = [row["reason"] or "kept", row["instruction"], row["mt_instruction"], row["truth"], row["mt_truth"]]
        cells += ["" if score is None else f"{score:.2f}"]
        shown = "".join(f"<td>{escape(str(cell or '')[:400])}</td>" for cell in cells)
        rows += f'<tr class="{"kept" if row["reason"] is None else "dropped"}">{shown}</tr>'
    return f"""<section><h2>{escape(get_language(target).name)} <small>{target}</small></h2>
<p>{known.rows:,} rows, <b>{known.kept:,} kept</b> ({known.kept / max(known.rows, 1):.1%}).</p>
<table class="narrow"><tr><th>dropped for (field:reason)</th><th>rows</th><th>share</th></tr>{reasons}</table>
<div class="plots">{plots}</div>
<details><summary>Samples, kept and dropped</summary><table class="samples"><tr><th>verdict</th><th>instruction</th>
<th>translation</th><th>answer</th><th>translation</th><th>quality</th></tr>{rows}</table></details></section>"""


def _html(report: Report, samples: dict[str, list[dict[str, Any]]], root: str) -> str:
    prompts = report.prompts
    sections = "".join(_language(target, known, samples[target], report) for target, known in report.languages.items())
    summary = "".join(
        f"<tr><td>{escape(get_language(t).name)}</td><td>{k.rows:,}</td><td>{k.kept:,}</td>"
        f"<td>{k.kept / max(k.rows, 1):.1%}</td></tr>"
        for t, k in report.languages.items()
    )
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Synthesis: {escape(root)}</title>
<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>
<h1>Synthesis report</h1><p class="path">{escape(root)}</p>
<p>{prompts.rows_read:,} rows read, {prompts.rows_kept:,} usable{escape(_list(prompts.dropped))}.</p>
{f"<p>{escape(report.answers.text())}.</p>" if report.answers.rows else ""}
<table class="narrow"><tr><th>language</th><th>rows</th><th>kept</th><th>share</th></tr>{summary}</table>
{_throughput(report.curve)}{sections}</html>"""


_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1d2733}
h1{margin-bottom:0}h2{margin-top:2.5rem;border-top:1px solid #d8dee6;padding-top:1rem}
small,.path,figcaption{color:#66727f}
table{border-collapse:collapse;margin:.7rem 0}th{text-align:left}td,th{padding:.2rem .8rem .2rem 0;vertical-align:top}
.narrow td:not(:first-child),.narrow th:not(:first-child){text-align:right;font-variant-numeric:tabular-nums}
.plots{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0;width:300px}figure.wide{width:100%;max-width:640px}
svg{width:100%;fill:#3b6ea8}svg text{font-size:11px;fill:#66727f}polyline{fill:none;stroke:#3b6ea8;stroke-width:2}
.samples{font-size:13px;table-layout:fixed;width:100%}.samples td{overflow-wrap:anywhere;white-space:pre-wrap}
.dropped td:first-child{color:#a33}.kept td:first-child{color:#2a7a45}"""
