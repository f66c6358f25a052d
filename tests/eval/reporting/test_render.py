"""One table in four formats, whatever the arms are called."""

import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from polydistill.eval.reporting.render import escape_latex, escape_markdown, to_html, to_latex, to_markdown
from polydistill.eval.reporting.table import Cell, Column, Table

COLUMNS = [
    Column("FLORES", "BLEU", "targets"),
    Column("FLORES", "BLEU", "English"),
    Column("", "off-target", "targets"),
]
CELLS = [Cell(20.0, 1.25, 1, p=0.01), None, Cell(3.0, None, 2, gold=0.5)]


def table(*names: str) -> Table:
    return Table(COLUMNS, dict.fromkeys(names, CELLS), ["Best in bold, second underlined."])


def test_best_second_and_nothing() -> None:
    assert "| sdrrl | **20.0* ± 1.2** | – | _3.0 (0.5)_ |" in to_markdown(table("sdrrl"))
    assert "second in italics" in to_markdown(table("sdrrl"))
    assert r"sdrrl & \textbf{20.0*} $\pm$ 1.2 & -- & \underline{3.0} (0.5) \\" in to_latex(table("sdrrl"))
    assert r"\cmidrule(lr){2-3} \cmidrule(lr){4-4}" in to_latex(table("sdrrl"))
    html = to_html(table("sdrrl"))
    assert '<th colspan="2">FLORES BLEU</th>' in html and "<b>20.0*</b> <small>± 1.2</small>" in html


NASTY = st.text(st.sampled_from("ab|<>&\n\\{}$%_~^#*[] "), min_size=1, max_size=10)


@given(NASTY)
def test_no_name_breaks_a_row(name: str) -> None:
    (row,) = to_markdown(table(name)).splitlines()[2:3]
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == len(COLUMNS) + 2
    ET.fromstring(f"<div>{to_html(table(name))}</div>")
    latex = escape_latex(name)
    assert "\n" not in latex and latex.count("{") - latex.count("}") == latex.count(r"\{") - latex.count(r"\}")
    assert not re.search(r"(?<!\\)[&%#_]", latex)


def test_texts_stay_readable() -> None:
    assert escape_markdown("a_b | c\n d") == r"a\_b \| c d"
    assert escape_latex("50% ± 2_x") == r"50\% $\pm$ 2\_x"
