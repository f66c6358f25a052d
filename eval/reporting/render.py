"""The summary table as Markdown, HTML, LaTeX (booktabs), and for the terminal."""

import html
import re
from itertools import groupby
from typing import Any

from polydistill.eval.reporting.table import Cell, Column, Table


def escape_markdown(text: str) -> str:
    """Text of data or names for a Markdown table: no markup, no cell or line ends."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", re.sub(r"\s+", " ", text))


def to_markdown(table: Table) -> str:
    """The table in Markdown: best in bold, second in italics."""
    heads = ["", *(f"{column.top}, {column.side}" for column in table.columns)]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for arm, cells in table.rows.items():
        marked = (_marked(cell, {1: "**{}**", 2: "_{}_"}) for cell in cells)
        lines.append(f"| {escape_markdown(arm)} | {' | '.join(marked)} |")
    notes = " ".join(table.notes).replace("underlined", "in italics")
    return "\n".join(lines) + f"\n\n{escape_markdown(notes)}\n"


def to_html(table: Table) -> str:
    """The table as HTML: two header rows, metric over side; what belongs to a mean in small print behind it."""
    tops, subs = "", ""
    for top, columns in _groups(table):
        tops += f'<th colspan="{len(columns)}">{html.escape(top)}</th>'
        subs += "".join(f"<th>{html.escape(column.side)}</th>" for column in columns)
    body = ""
    for arm, cells in table.rows.items():
        body += f"<tr><th>{html.escape(arm)}</th>{''.join(f'<td>{_small(cell)}</td>' for cell in cells)}</tr>"
    head = f"<thead><tr><th></th>{tops}</tr><tr><th></th>{subs}</tr></thead>"
    drawn = f'<div class="wide"><table class="summary">{head}<tbody>{body}</tbody></table></div>'
    return f'{drawn}<p class="note">{html.escape(" ".join(table.notes))}</p>'


def to_latex(table: Table, label: str = "scores") -> str:
    """The table for a paper: needs \\usepackage{booktabs}; best in bold, second underlined, notes as the caption."""
    tops, rules, start = [], [], 2
    for top, columns in _groups(table):
        tops.append(rf"\multicolumn{{{len(columns)}}}{{c}}{{{escape_latex(top)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + len(columns) - 1}}}")
        start += len(columns)
    lines = [
        r"\begin{table*}",
        r"\centering\small",
        rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        r"\toprule",
        " & " + " & ".join(tops) + r" \\",
        " ".join(rules),
        " & " + " & ".join(escape_latex(column.side) for column in table.columns) + r" \\",
        r"\midrule",
    ]
    for arm, cells in table.rows.items():
        lines.append(f"{escape_latex(arm)} & {' & '.join(_latex(cell) for cell in cells)} \\\\")
    caption = escape_latex(" ".join(table.notes))
    lines += [r"\bottomrule", r"\end{tabular}", rf"\caption{{{caption}}}", rf"\label{{tab:{label}}}", r"\end{table*}"]
    return "\n".join(lines) + "\n"


_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": r"$<$",
    ">": r"$>$",
} | {character: f"\\{character}" for character in "&%$#_"}


def escape_latex(text: str) -> str:
    """Text that LaTeX prints as it stands."""
    return "".join(_LATEX.get(character, character) for character in re.sub(r"\s+", " ", text))


def to_terminal(table: Table) -> Any:
    """The table for `rich.print`, turned so that it fits a narrow terminal: a line per metric and side."""
    from rich import box
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable("", "", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for arm in table.rows:
        shown.add_column(escape(arm), justify="right")
    place = 0
    for top, columns in _groups(table):
        for number, column in enumerate(columns):
            cells = (cells[place] for cells in table.rows.values())
            marked = (_marked(cell, {1: "[bold]{}[/bold]", 2: "[underline]{}[/underline]"}) for cell in cells)
            shown.add_row(top if number == 0 else "", column.side, *marked)
            place += 1
    return Group(shown, Text(" ".join(table.notes), style="dim"))


def _groups(table: Table) -> list[tuple[str, list[Column]]]:
    return [(top, list(columns)) for top, columns in groupby(table.columns, key=lambda column: column.top)]


def _marked(cell: Cell | None, marks: dict[int, str]) -> str:
    return "–" if cell is None else marks.get(cell.rank, "{}").format(cell)


def _small(cell: Cell | None) -> str:
    if cell is None:
        return "–"
    marked = {1: "<b>{}</b>", 2: "<u>{}</u>"}.get(cell.rank, "{}").format(cell.starred)
    return f"{marked} <small>{cell.rest}</small>" if cell.rest else marked


def _latex(cell: Cell | None) -> str:
    if cell is None:
        return "--"
    marked = {1: r"\textbf{{{}}}", 2: r"\underline{{{}}}"}.get(cell.rank, "{}").format(cell.starred)
    return f"{marked} {escape_latex(cell.rest)}".strip()
