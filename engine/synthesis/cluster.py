"""The Ray runtime of this process: one of its own on this machine, or the cluster that the machine belongs to."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray

from polydistill.engine import environment


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
def cluster(address: str | None = None) -> Iterator[None]:
    """A Ray runtime for this process.

    Args:
        address: "auto" is the cluster that this machine belongs to. None starts a runtime on this machine, which is
            closed at the end. A runtime that is initialized already is used and left as it is.
    """
    if ray.is_initialized():
        yield
        return
    environment.prepare()
    if address is None:
        # Its workers inherit our environment. Only this machine may talk to it.
        settings: dict[str, Any] = {"address": "local", "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    else:
        hook = {"worker_process_setup_hook": "polydistill.engine.environment.prepare"}  # each machine sees for itself
        settings = {"address": address, "runtime_env": hook}
    with stoppable():
        ray.init(log_to_driver=False, logging_level="ERROR", **settings)
        try:
            yield
        finally:
            ray.shutdown()
