"""Files for papers: LaTeX, CSV and figures."""

import csv
from pathlib import Path

from polydistill.eval.reporting.table import summary
from tests.eval.stand_in import STUDENT, StandIn, config, models, record


def test_tables_for_papers(world: Path) -> None:
    found = record(models(world, "half/a_1", "half/b"), config(world), STUDENT, str(world / "out"), StandIn)
    text = (world / "out/report.tex").read_text(encoding="utf-8")
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") >= 2 and r"\toprule" in text
    assert all(
        line.count(" & ") == text.split(r"\midrule")[1].splitlines()[1].count(" & ")
        for line in text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    )
    rows = list(csv.DictReader((world / "out/results.csv").open(encoding="utf-8")))
    assert len(rows) == len(found.results) and {row["arm"] for row in rows} == {"half"}
    figures = world / "out/figures"
    assert (figures / "belebele-accuracy.pdf").read_bytes().startswith(b"%PDF")
    assert "<svg" in (figures / "belebele-accuracy.svg").read_text(encoding="utf-8")
    by_language = summary(found, "language")
    assert {column.side for column in by_language.columns} == {"English", "German", "Japanese"}
