"""SIGTERM as an exception: what is begun is closed in order, and the user reads how to go on."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stopped(KeyboardInterrupt):
    """SIGTERM: the machine, Slurm or Kubernetes wants this process to end."""


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM raises `Stopped` inside, so that what is begun is closed in order. Main thread only, else nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        raise Stopped("stopped by SIGTERM. What is done stays. Run the same command again to go on.")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def unstoppable() -> Iterator[None]:
    """SIGTERM does nothing inside. Main thread only, else nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def handler_kept() -> Iterator[None]:
    """A handler that a library puts in our place inside is taken out again. Main thread only, else nothing changes."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
