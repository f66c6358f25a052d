"""How long the steps of a run took (`times.json`): what a plan of a larger run learns from."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from polydistill.engine.errors import DamagedError
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.shards import Folder

FILE = "times.json"


@dataclass(frozen=True)
class Times:
    """Seconds that the last call which had something to do spent on each step: processes, models, reports."""

    steps: dict[str, float] = field(default_factory=dict)  # synthesis, training, evaluation
    format: int = 1


def read_times(folder: Folder) -> Times:
    """The times of a run. Nothing is known where none were left, or where they are damaged."""
    try:
        return read_record(folder, FILE, Times) if folder.exists(FILE) else Times()
    except DamagedError:
        return Times()


@contextmanager
def timed(folder: Folder, step: str, wanted: bool = True) -> Iterator[None]:
    """Leave the time of a step that ends without an error.

    Args:
        folder: the run's.
        step: synthesis, training or evaluation.
        wanted: False where the step has nothing to do.
    """
    start = time.monotonic()
    yield
    if wanted:
        known = read_times(folder)
        write_record(folder, FILE, replace(known, steps=known.steps | {step: round(time.monotonic() - start, 2)}))
