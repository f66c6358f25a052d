"""The summary: arms by benchmarks and sides, or by languages."""

from pathlib import Path

import pytest

from polydistill.eval.reporting.render import to_html, to_markdown, to_terminal
from polydistill.eval.reporting.table import summary
from tests.eval.stand_in import STUDENT, StandIn, config, models, record


def test_the_table_of_arms(world: Path) -> None:
    names = ("none", "half/seed0", "third/seed1", "gold/seed0", "most/seed1")
    named = {name.replace("third", "half").replace("most", "gold"): name.split("/")[0] for name in names}
    paths = {name: str(world / "models" / kind) for name, kind in named.items()}
    found = record(paths, config(world), STUDENT, str(world / "out"), StandIn)
    table = summary(found)
    assert list(table.rows) == ["none", "half", "gold"]
    assert [column.side for column in table.columns[:4]] == ["targets", "English", "targets", "English"]
    accuracy = [cells[0] for cells in table.rows.values()]
    assert [str(cell) for cell in accuracy] == ["0.0", "41.7 ± 11.8", "95.8 ± 5.9"]
    assert any("* differs from half (Welch's test, p < 0.05" in note for note in table.notes)
    assert [cell.rank for cell in accuracy if cell] == [3, 2, 1]
    off_target = [cells[-1] for cells in table.rows.values()]
    assert str(off_target[0]) == "100.0 (0.0)"
    assert "| gold | **95.8 ± 5.9** |" in to_markdown(table)
    assert "<b>95.8</b> <small>± 5.9</small>" in to_html(table)
    from rich.console import Console

    console = Console(width=80, record=True)
    console.print(to_terminal(table))
    assert max(map(len, console.export_text().splitlines())) <= 80
    page = (world / "out/report.html").read_text(encoding="utf-8")
    assert "Methods and their runs" in page and "<title>gold: 100.0, 91.7</title>" in page
    assert "<th>gold</th><th>belebele</th><th>accuracy</th><th>target</th><td>95.8 ± 5.9</td><td>2</td>" in page
    (tested,) = [
        e for e in found.arms if e.arm == "gold" and (e.set, e.metric, e.side) == ("belebele", "accuracy", "target")
    ]
    assert tested.effect and tested.effect.against == "half"
    assert tested.effect.difference == pytest.approx(54.1667, abs=1e-3)
    assert tested.effect.low < tested.effect.difference < tested.effect.high
    assert tested.effect.p <= tested.effect.p_holm <= 1
    assert next(e for e in found.arms if e.arm == "none").effect is None  # one run: nothing to test


def test_a_column_for_each_language(world: Path) -> None:
    found = record(
        models(world, "half/a", "gold"), config(world, tasks=["belebele"]), STUDENT, str(world / "out"), StandIn
    )
    table = summary(found, "language")
    assert {column.side for column in table.columns} == {"English", "German", "Japanese"}
    assert [str(cell) for cell in table.rows["half"]] == ["50.0"] * 3
