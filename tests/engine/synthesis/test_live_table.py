"""What a run shows: a line in a log, with what is done, kept, dropped and left."""

import io
from collections import Counter

import pytest

from polydistill.engine import screen
from polydistill.engine.synthesis.live_table import LiveTable
from polydistill.engine.synthesis.summary import StageFigures, Tally

POOLS = {"generate": 1, "translate": 2, "judge": 1}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    text = io.StringIO()
    monkeypatch.setattr("polydistill.engine.synthesis.live_table._LOG_SECONDS", 0.01)
    monkeypatch.setattr("polydistill.engine.screen._terminal", text)
    return text


def last(units: int, figures: dict[str, StageFigures] | None, tally: Tally, shown: io.StringIO) -> str:
    """The last line of a run."""
    asked = []

    def current() -> dict[str, StageFigures] | None:
        asked.append(1)
        return figures

    table = LiveTable(units, POOLS, current, tally)
    while not asked:
        table._closed.wait(0.005)
    table.close()
    assert not table._thread.is_alive()
    return shown.getvalue().strip().splitlines()[-1]


def stages(**rows: int) -> dict[str, StageFigures]:
    return {name: StageFigures(rows=rows.get(name, 0)) for name in POOLS}


def test_before_the_first_unit_it_says_what_is_being_worked_on(shown: io.StringIO) -> None:
    assert "synth: 0/4 units, loading models" in last(4, None, Tally(), shown)
    assert "0/4 units, generate 1,200 rows, translate 7 rows" in last(
        4, stages(generate=1200, translate=7), Tally(), shown
    )


def test_a_finished_run_tells_its_rows_and_reasons(shown: io.StringIO) -> None:
    dropped = Counter({"self:length": 4, "instruction:copied": 30, "truth:low_quality": 12, "input:error": 1})
    figures = stages(generate=1000)
    figures["generate"].reasons = {"length": 5}
    line = last(2, figures, Tally(units=2, rows=1234, kept=1187, reasons=dropped), shown)
    assert "synth: 2/2 units, 1,234 pool rows" in line and "1,187 kept" in line
    assert "(dropped: instruction:copied 30, truth:low_quality 12, self:length 4)" in line  # the three most frequent
    assert "own answers cut or missing: length 5" in line and "left" not in line


def test_a_run_on_its_way_says_what_is_left(shown: io.StringIO) -> None:
    line = last(4, stages(), Tally(units=1, rows=10, kept=10), shown)
    assert line.startswith("synth: 1/4 units") and line.endswith(" left") and "dropped" not in line


def test_quiet_shows_nothing(shown: io.StringIO) -> None:
    screen.set_quiet(True)
    try:
        LiveTable(1, POOLS, lambda: None, Tally()).close()
    finally:
        screen.set_quiet(False)
    assert shown.getvalue() == ""
