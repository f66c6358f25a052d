"""What a run shows: a line in a log, with what is loaded, done, kept, dropped and left."""

import io
from collections import Counter

import pytest

from polydistill.engine import screen
from polydistill.engine.synthesis.live_table import LiveTable, Seen
from polydistill.engine.synthesis.summary import StageFigures, Tally

POOLS = {"generate": 1, "translate": 2, "judge": 1}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    text = io.StringIO()
    monkeypatch.setattr(screen, "_terminal", text)
    return text


def last(units: int, seen: Seen, tally: Tally, shown: io.StringIO) -> str:
    """The last line of a run."""
    LiveTable(units, POOLS, lambda: seen, tally).close()
    return shown.getvalue().strip().splitlines()[-1]


def stages(**rows: int) -> dict[str, StageFigures]:
    return {name: StageFigures(rows=rows.get(name, 0)) for name in POOLS}


def test_before_the_first_unit_it_says_what_is_loaded_and_worked_on(shown: io.StringIO) -> None:
    assert last(4, Seen(), Tally(), shown) == "synth: 0/4 units, loading models (0 of 4 ready), 0s"
    loading = Seen(stages(generate=1200, translate=7), {"generate": 1, "translate": 2, "judge": 0})
    expected = "synth: 0/4 units, loading models (3 of 4 ready), generate 1,200 rows, translate 7 rows, 0s"
    assert last(4, loading, Tally(), shown) == expected
    loaded = Seen(stages(generate=1200), POOLS)
    assert last(4, loaded, Tally(), shown) == "synth: 0/4 units, generate 1,200 rows, 0s"


def test_a_finished_run_tells_its_rows_and_reasons(shown: io.StringIO) -> None:
    dropped = Counter({"self:length": 4, "instruction:copied": 30, "truth:low_quality": 12, "input:error": 1})
    figures = stages(generate=1000)
    figures["generate"].reasons = {"length": 5}
    line = last(2, Seen(figures), Tally(units=2, rows=1234, kept=1187, reasons=dropped), shown)
    assert "synth: 2/2 units (100%), 1,234 pool rows" in line and "1,187 kept" in line
    assert "(dropped: instruction:copied 30, truth:low_quality 12, self:length 4)" in line  # the three most frequent
    assert "own answers cut or missing: length 5" in line and "left" not in line


def test_the_time_left_needs_a_basis(shown: io.StringIO) -> None:
    tally = Tally(units=1, rows=10, kept=10)
    table = LiveTable(4, POOLS, Seen, tally)
    line = table.line()
    assert line.startswith("synth: 1/4 units (25%)") and "left" not in line and "dropped" not in line
    tally.units = 2
    assert table.line().endswith(" left")
    table.close()


def test_the_table_has_every_stage_and_its_models(shown: io.StringIO) -> None:
    from rich.console import Console

    table = LiveTable(4, POOLS, lambda: Seen(stages(generate=100), {"generate": 1, "translate": 1}), Tally())
    table.close()
    text = io.StringIO()
    Console(file=text, width=120).print(table._table())
    rows = {line.split()[0]: line for line in text.getvalue().splitlines()}
    assert "ready" in rows["generate"] and "1 of 2 ready" in rows["translate"] and "loading" in rows["judge"]


def test_a_stage_that_has_nothing_left_to_do_stays_ready(shown: io.StringIO) -> None:
    """Its actors are gone by then."""
    figures = stages(generate=100)
    figures["generate"].units = 1
    seen = iter([Seen(stages(), {"translate": 2}), Seen(figures, {})])
    table = LiveTable(4, POOLS, lambda: next(seen, Seen()), Tally())
    table.line()
    assert "loading models (3 of 4 ready)" in table.line()
    table.close()


def test_figures_that_cannot_be_had_leave_the_last_ones(shown: io.StringIO) -> None:
    seen = iter([Seen(stages(generate=5), {"generate": 1}), Seen(None)])
    table = LiveTable(4, POOLS, lambda: next(seen, Seen()), Tally())
    table.line()
    assert "generate 5 rows" in table.line()
    table.close()


def test_quiet_shows_nothing(shown: io.StringIO) -> None:
    screen.set_quiet(True)
    try:
        LiveTable(1, POOLS, Seen, Tally()).close()
    finally:
        screen.set_quiet(False)
    assert shown.getvalue() == ""
