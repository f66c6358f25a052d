"""The report as one HTML page that needs nothing else.

Whatever comes from data is escaped (`_safe`), and none of it stands in the script. The page's policy lets no other
script run, and nothing be loaded.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from html import escape

from polydistill.engine import schema
from polydistill.engine.languages import get_language
from polydistill.engine.screen import visible
from polydistill.engine.storage.figures import RowFigures
from polydistill.engine.storage.pool_texts import Text, texts
from polydistill.engine.storage.sampling import Drawn
from polydistill.engine.synthesis.reporting.assets import SCRIPT, STYLE
from polydistill.engine.synthesis.reporting.figures import Report, chances, counted, spending
from polydistill.engine.synthesis.reporting.plots import histogram, throughput
from polydistill.engine.synthesis.reporting.samples import KEPT

LONGEST = 4000
"""Characters of a text that are shown. The page says how many more there are."""

Samples = Mapping[str, Mapping[str, list[Drawn]]]  # target -> verdict -> rows

_DIGEST = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_DIGEST}'"


def page(report: Report, samples: Samples, root: str) -> str:
    """The whole page.

    Args:
        report: the figures.
        samples: rows to look at.
        root: the run's folder.
    """
    summary = "".join(
        f"<tr><td>{_language(target)}</td><td>{known.rows:,}</td><td>{known.kept:,}</td><td>{_share(known)}</td></tr>"
        for target, known in report.languages.items()
    )
    sections = "".join(_section(target, known, report) for target, known in report.languages.items())
    return f"""<!doctype html><html lang="en"><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>Synthesis: {_safe(root)}</title><meta name="viewport" content="width=device-width"><style>{STYLE}</style>
<h1>Synthesis report</h1><p class="path">{_safe(root)}</p>
<p>{_safe(report.prompts.text())}.</p>
{f"<p>{_safe(report.answers.text())}.</p>" if report.answers.rows else ""}
<table class="narrow"><tr><th>language</th><th>rows</th><th>kept</th><th>share</th></tr>{summary}</table>
{_spending(report)}{throughput(report.curve)}{sections}{_browser(samples)}<script>{SCRIPT}</script></html>"""


def _spending(report: Report) -> str:
    """Tokens and cost of each step and language."""
    rows = "".join(
        f"<tr><td>{_safe(step)}</td><td>{tokens.prompt_tokens:,}</td><td>{tokens.answer_tokens:,}</td>"
        f"<td>{f'{tokens.cost:,.2f}' if tokens.cost else ''}</td></tr>"
        for step, tokens in spending(report)
    )
    head = "<tr><th>step</th><th>tokens read</th><th>tokens written</th><th>cost</th></tr>"
    return f'<table class="narrow">{head}{rows}</table>' if rows else ""


def _section(target: str, known: RowFigures, report: Report) -> str:
    """A language's counts and histograms."""
    reasons = "".join(
        f"<tr><td>{_safe(name)}</td><td>{count:,}</td><td>{count / max(known.rows, 1):.1%}</td></tr>"
        for name, count in sorted(known.reasons.items(), key=lambda item: -item[1])
    )
    return f"""<section><h2>{_language(target)} <small>{_safe(target)}</small></h2>
<p>{known.rows:,} rows, <b>{known.kept:,} kept</b> ({_share(known)}).</p>
<table class="narrow"><tr><th>dropped for (field:reason)</th><th>rows</th><th>share</th></tr>{reasons}</table>
{_notes(known)}{_chances(known)}
<div class="plots">{"".join(_plots(target, known, report))}</div></section>"""


def _notes(known: RowFigures) -> str:
    notes = known.notes()
    return f"<p>Noticed in translation: {_safe(counted(notes))}.</p>" if notes else ""


def _chances(known: RowFigures) -> str:
    """What another chance for failed texts brought and cost."""
    if known.rescue is None:
        return ""
    rows = "".join(
        f"<tr><td>{_safe(step.name)}</td><td>{step.kept / max(known.rows, 1):.1%}</td><td>{step.estimates:,}</td>"
        f"<td>{step.seconds:.1f}</td><td>{step.tokens:,}</td></tr>"
        for step in chances(known.rescue, known.kept)
    )
    head = "<tr><th></th><th>kept</th><th>quality estimates</th><th>seconds</th><th>tokens</th></tr>"
    return f'<table class="narrow">{head}{rows}</table>'


def _plots(target: str, known: RowFigures, report: Report) -> Iterator[str]:
    limits = report.thresholds.get(target)
    quality = [limits.quality] if limits and limits.quality is not None else []
    ratio = [limits.shortest, limits.longest] if limits else []
    for name in schema.FIELDS:
        if (figures := known.fields.get(name)) is None:
            continue
        if any(figures.quality):
            yield histogram(figures.quality, report.quality_edges, f"{name}: quality estimate", quality)
        if any(figures.length_ratio):
            label = f"{name}: length, hypothesis / source"
            yield histogram(figures.length_ratio, report.length_ratio_edges, label, ratio)


def _browser(samples: Samples) -> str:
    """The table of rows with its filters."""
    rows = [
        _row(target, verdict, drawn)
        for target, groups in samples.items()
        for verdict, some in groups.items()
        for drawn in some
    ]
    verdicts = dict.fromkeys(verdict for groups in samples.values() for verdict in groups)
    return f"""<section><h2>Rows</h2>
<p>Rows at random from the whole pool: of each language some kept ones, and some of each reason.</p>
<form id="filters"><label>language <select name="language"><option value="">all</option>{
        "".join(f'<option value="{_safe(target)}">{_language(target)}</option>' for target in samples)
    }</select></label> <label>verdict <select name="verdict"><option value="">all</option>{
        "".join(f"<option>{_safe(verdict)}</option>" for verdict in verdicts)
    }</select></label> <label>text <input name="text" type="search"></label> <output>{len(rows):,} rows</output></form>
<table id="rows"><thead><tr><th>text</th><th>source</th><th>translation</th><th>notes, scores, flags, reason</th></tr>
</thead>{"".join(rows)}</table></section>"""


def _row(target: str, verdict: str, drawn: Drawn) -> str:
    """One row: a line that names it, and a line for each of its texts."""
    named = [target, f"{drawn.row['id']}", f"{drawn.row['origin']}"]
    named += [f"{name} {drawn.row[name]}" for name in ("self_tokens", "self_error") if drawn.row.get(name) is not None]
    kind = "kept" if verdict == KEPT else "dropped"
    return (
        f'<tbody data-language="{_safe(target)}" data-verdict="{_safe(verdict)}"><tr class="{kind}"><th colspan="4">'
        f"<b>{_safe(verdict)}</b> <small>{' · '.join(map(_safe, named))}</small></th></tr>"
        f"{''.join(map(_text, texts(drawn.row)))}</tbody>"
    )


def _text(text: Text) -> str:
    source = _cut(text.source) + (f"<br><small>{_cut(text.payload)}</small>" if text.payload else "")
    facts = "<br>".join(f"<small>{name}</small> {_safe(words)}" for name, words in text.facts().items())
    hypothesis = "<small>none</small>" if text.hypothesis is None else _cut(text.hypothesis)
    marked = ' class="dropped"' if text.reason else ""
    cells = f'<td dir="auto"><div>{source}</div></td><td dir="auto"><div>{hypothesis}</div></td><td>{facts}</td>'
    return f"<tr{marked}><td>{_safe(text.name)}</td>{cells}</tr>"


def _cut(text: str) -> str:
    more = len(text) - LONGEST
    return _safe(text[:LONGEST]) + (f" <small>... {more:,} more characters</small>" if more > 0 else "")


def _safe(text: str) -> str:
    """A text from data as it may stand in an element or in a quoted attribute."""
    return escape(visible(text), quote=True)


def _language(target: str) -> str:
    return escape(get_language(target).name)


def _share(known: RowFigures) -> str:
    return f"{known.kept / max(known.rows, 1):.1%}"
