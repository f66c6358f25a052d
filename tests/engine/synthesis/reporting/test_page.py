"""The report's page: every text with its own scores, and none that breaks out of its place."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from polydistill.engine.screen import visible
from polydistill.engine.storage.figures import FieldFigures, RescueFigures, RowFigures, figures_of
from polydistill.engine.storage.pool import commit, open_pool
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.reporting.assets import SCRIPT
from polydistill.engine.synthesis.reporting.figures import PromptFigures, Report
from polydistill.engine.synthesis.reporting.page import LONGEST, page
from polydistill.engine.synthesis.reporting.report import write_report
from tests.engine.pool_fixture import row, write_run

PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</td></tr></table><h1>x</h1>",
    "</style><style>*{display:none}</style>",
    "<!-- x",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62;",
    "<meta http-equiv=refresh content='0;url=http://x.invalid'>",
    "javascript:alert(1)\x1b[2J\u202e<b>",
    "<![CDATA[<iframe src=x>]]>",
)


class Elements(HTMLParser):
    """A page's elements with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def page_of(folder: Path, payload: str) -> str:
    """The page of a run whose every text, name and reason holds the payload."""
    turns = [{"role": payload, "content": payload, "payload": payload}]
    values: dict[str, Any] = dict.fromkeys(("instruction", "input", "truth", "self", "system", "origin"), payload)
    values |= {"history": turns, "self_error": f"error: {payload}", "reason": f"truth:{payload}"}
    values |= {"reason_truth": payload, "notes_self": [f"error: {payload}"], "mt_history": [payload]}
    values |= {"scores_input": {"language": payload, "quality": 0.5, "flags": [payload]}}
    run = write_run(folder, {"deu_Latn": [row(0, "deu_Latn", **values)]})
    table = open_pool(run).table("deu_Latn", 0)
    commit(Folder.of(run), 0, "deu_Latn", table, figures=figures_of(table))
    write_report(run)
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_becomes_an_element_or_reaches_the_script(payload: str, tmp_path: Path) -> None:
    found, plain = Elements(page_of(tmp_path / "a", payload)), Elements(page_of(tmp_path / "b", "plain"))
    assert found.found == plain.found
    assert found.scripts == [SCRIPT]
    assert found.text.count(visible(payload)) >= 12


def test_each_text_is_shown_with_its_own_scores(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Earlier.", "payload": None}]
    values: dict[str, Any] = {
        **{f"scores_{name}": {"quality": q} for name, q in (("instruction", 0.11), ("input", 0.22), ("truth", 0.33))},
        **{"scores_self": {"quality": 0.44}, "scores_system": {"quality": 0.55}, "scores_history": [{"quality": 0.66}]},
    }
    run = write_run(
        tmp_path,
        {"deu_Latn": [row(0, "deu_Latn", input="In", system="Sys", history=turns, notes_self=["no_end"], **values)]},
    )
    write_report(run)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    body = page[page.index("<tbody") :]
    lines = [re.sub("<[^>]+>", "|", line) for line in body.split("<tr>")]
    for name, quality in (
        *(("instruction", 0.11), ("input", 0.22), ("truth", 0.33), ("self", 0.44), ("system", 0.55)),
        ("history 1 (user)", 0.66),
    ):
        (line,) = (line for line in lines if line.startswith(f"|{name}|"))
        assert f"quality {quality}" in line and ("no_end" in line) == (name == "self")


def test_long_texts_say_how_much_is_not_shown(tmp_path: Path) -> None:
    write_report(write_run(tmp_path, {"deu_Latn": [row(0, "deu_Latn", truth="a" * (LONGEST + 1234))]}))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "1,234 more characters" in page and "a" * (LONGEST + 1) not in page


def test_notes_and_each_chance_of_failed_texts_are_shown() -> None:
    rescue = RescueFigures(estimates=200, seconds=2.5, kept_without_rescue=5, kept_without_fallback=6)
    rows = RowFigures(rows=10, kept=7, fields={"truth": FieldFigures(notes={"remark": 1234})}, rescue=rescue)
    report = Report(PromptFigures(10, 10, {}), {"deu_Latn": rows}, [])
    text = " ".join(Elements(page(report, {}, "run")).text.split())
    assert "Noticed in translation: remark 1,234." in text
    assert "first hypotheses50.0%2002.50" in text and "with the next best60.0%" in text
    assert "with the fallback70.0%" in text
