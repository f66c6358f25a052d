"""SIGTERM ends a training with a checkpoint."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from polydistill.engine.errors import UserError
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.records import STOP


class StoppedError(UserError):
    """The training was asked to stop before its end, and has written a checkpoint."""


@contextmanager
def stop_on_sigterm(place: Folder) -> Iterator[threading.Event]:
    """Meanwhile SIGTERM asks the ranks for a checkpoint and an end, where this is the process's main thread.

    Slurm, Kubernetes and spot machines send it some time before they take the machine away.

    Yields:
        An event that is set once the signal came. The ranks do not see it after their last step.
    """
    _forget(place)
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(*_: object) -> None:
        asked.set()
        place.write(STOP, b"")

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)
        _forget(place)


def _forget(place: Folder) -> None:
    if place.exists(STOP):
        place.filesystem.delete_file(place.join(STOP))
