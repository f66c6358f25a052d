import pytest

from polydistill.engine import progress
from polydistill.engine.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only when told to."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def tick(seconds):
        now[0] += seconds

    return tick


def test_lines_in_a_log(clock, capsys):
    with Progress("translate", 1000, "rows", interval=10) as shown:
        for _ in range(25):
            clock(1)
            shown.advance(20, note="dropped 3")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "translate: 200/1,000 rows, 20.0/s, 10s, 40s left  dropped 3",
        "translate: 400/1,000 rows, 20.0/s, 20s, 30s left  dropped 3",
        "translate: 500/1,000 rows, 20.0/s, 25s, 25s left  dropped 3",
    ]


def test_long_times_and_unknown_totals(clock, capsys):
    with Progress("read", None) as shown:
        clock(7384)
        shown.advance(1)
    assert capsys.readouterr().err.splitlines()[0] == "read: 1 rows, one in 2h03m, 2h03m"


def test_nothing_is_said_where_nothing_was_done_or_nothing_is_wanted(clock, capsys, monkeypatch):
    with Progress("read", 10):
        clock(5)
    monkeypatch.setattr(progress.screen, "_quiet", True)
    with Progress("read", 10) as shown:
        shown.advance(10)
    assert capsys.readouterr().err == ""
