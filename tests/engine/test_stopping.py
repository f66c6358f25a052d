"""SIGTERM ends what runs in order, and the handler before it is put back."""

import os
import signal
import threading

import pytest

from polydistill.cli.main import main
from polydistill.engine.stopping import Stopped, handler_kept, stoppable, unstoppable


def test_sigterm_raises_inside_and_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped, match="Run the same command again"), stoppable():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_does_nothing_while_something_is_closed() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with unstoppable():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_librarys_handler_does_not_stay() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with handler_kept():
        signal.signal(signal.SIGTERM, lambda *_: None)
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_leave_signals_alone() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    def work() -> None:
        with stoppable():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_every_command_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Also one that needs no Ray: the command itself listens to the signal."""
    monkeypatch.setattr("polydistill.verification.verify", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit) as ended:
        main(["verify", "run"])
    assert ended.value.code == 130
    said = capfd.readouterr().err
    assert said == "polydistill: stopped. What is done stays: run the same command again to continue.\n"
