"""SIGTERM becomes a request that the ranks see."""

import os
import signal
import threading
from pathlib import Path

from polydistill.engine.storage.shards import Folder
from polydistill.trainer.records import STOP
from polydistill.trainer.run.interrupt import stop_on_sigterm


def test_a_signal_is_a_file_while_training_runs(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    (tmp_path / STOP).touch()  # left over
    with stop_on_sigterm(Folder.of(tmp_path)) as asked:
        assert not (tmp_path / STOP).exists() and not asked.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert (tmp_path / STOP).exists()
    assert asked.is_set()  # also where the last step was over already
    assert not (tmp_path / STOP).exists() and signal.getsignal(signal.SIGTERM) is before


def test_trainings_in_threads_leave_signals_alone(tmp_path: Path) -> None:
    found = []

    def run() -> None:
        with stop_on_sigterm(Folder.of(tmp_path)):
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]
