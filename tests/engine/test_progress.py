"""Progress as lines in a log and as a picture on a terminal."""

import io
import itertools
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine import progress, screen
from polydistill.engine.progress import Count, Display, Progress, duration, pauses


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only when told to."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def tick(seconds):
        now[0] += seconds

    return tick


@pytest.fixture
def terminal(monkeypatch) -> Terminal:
    text = Terminal()
    monkeypatch.setattr(screen, "_terminal", text)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return text


def test_a_line_says_how_far_it_is_and_when_there_is_a_basis_how_long_it_takes(clock):
    shown = Progress("translate", 1000, "rows")
    assert shown.line() == "translate: 0/1,000 rows (0%), 0s"
    clock(20)  # loading
    shown.advance(20, note="dropped 3")
    assert shown.line() == "translate: 20/1,000 rows (2%), 1.0/s, 20s  dropped 3"
    clock(10)
    shown.advance(180)
    assert shown.line() == "translate: 200/1,000 rows (20%), 6.7/s, 30s, 44s left  dropped 3"
    shown.advance(800)
    assert shown.line() == "translate: 1,000/1,000 rows (100%), 33.3/s, 30s  dropped 3"
    shown.close()


def test_long_times_and_unknown_totals(clock, capsys):
    with Progress("read", None) as shown:
        clock(7384)
        shown.advance(1)
    assert capsys.readouterr().err.splitlines() == ["read: 1 rows, 2h03m"]


def test_work_that_is_asked_for_its_state(clock):
    states = iter([Count(0, 6), Count(1.4, 6, "sft at step 40 of 100")])
    shown = Progress("training", 6, "models", poll=lambda: next(states))
    assert shown.line() == "training: 0/6 models (0%), 0s"
    clock(60)
    assert shown.line() == "training: 1.4/6 models (23%), 1m00s  sft at step 40 of 100"
    shown._display.close(worth=False)


def test_nothing_is_said_where_nothing_was_done_or_it_took_no_time_or_nothing_is_wanted(clock, capsys, monkeypatch):
    with Progress("read", 10):
        clock(50)
    with Progress("read", 10) as shown:
        clock(1)
        shown.advance(10)
    monkeypatch.setattr(screen, "_quiet", True)
    with Progress("read", 10) as shown:
        clock(50)
        shown.advance(10)
    assert capsys.readouterr().err == ""


def test_what_is_a_part_of_something_shown_stays_invisible(clock, capsys):
    with Progress("mixing", 2, "mixtures") as whole:
        with Progress("mix sft", 100) as part:
            clock(50)
            part.advance(100)
        whole.advance(2)
    assert capsys.readouterr().err.splitlines() == ["mixing: 2/2 mixtures (100%), 50s"]


def test_a_log_has_lines_while_nothing_is_finished(capsys):
    with Progress("train", 10, interval=0.02):
        time.sleep(0.3)
    assert "train: 0/10 rows (0%), 0s" in capsys.readouterr().err


@given(begun=st.floats(0, 1e6), first=st.floats(1, 60))
def test_lines_of_a_log_become_rarer_and_never_stop(begun, first):
    """By the work's own time: a step that begins late has its first line after a minute, too."""
    with pytest.MonkeyPatch.context() as patch:
        now = [begun]
        patch.setattr("polydistill.engine.progress.time", SimpleNamespace(monotonic=lambda: now[0]))
        assert next(pauses(first)) == first
        before = 0.0
        for pause in itertools.islice(pauses(first), 50):
            assert max(first, before) <= pause + 1e-6 and pause <= 10 * first
            before, now[0] = pause, now[0] + pause


def test_on_a_terminal_lines_of_others_stand_above_and_one_line_stays(terminal):
    display = Display(lambda: "the last state", lambda: "a picture")
    while "a picture" not in terminal.getvalue():
        time.sleep(0.01)
    screen.phase("something else begins")
    display.close(worth=True)
    shown = terminal.getvalue()
    assert "something else begins\n" in shown
    assert shown.endswith("the last state\n")
    screen.phase("afterwards")
    assert terminal.getvalue().endswith("afterwards\n")


def test_a_bar_on_a_terminal(terminal):
    with Progress("evaluating", 200, "answers") as shown:
        shown.advance(50)
        while "50/200" not in terminal.getvalue():
            time.sleep(0.01)
    assert "evaluating" in terminal.getvalue() and "━" in terminal.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(3725, "1h02m"), (185, "3m05s"), (7.4, "7s"), (0, "0s")])
def test_durations(seconds, text):
    assert duration(seconds) == text
