"""When answers were there (`pace.json`): what a plan of a larger evaluation learns from."""

import time
from dataclasses import dataclass, field

from polydistill.engine.storage.record import write_record
from polydistill.engine.storage.shards import Folder
from polydistill.eval.asking.units import Done

FILE = "pace.json"


@dataclass(frozen=True)
class Part:
    """Answers that came together."""

    seconds: float  # since the evaluation began to ask
    model: str
    set: str
    answers: int


@dataclass(frozen=True)
class Pace:
    """All answers of an evaluation that was done in one go, in the order in which they came."""

    parts: tuple[Part, ...]
    engines: int  # that answered at the same time
    format: int = 1


@dataclass
class Clock:
    """Notes when answers come."""

    parts: list[Part] = field(default_factory=list)
    start: float = field(default_factory=time.monotonic)

    def note(self, done: Done) -> None:
        """These answers are there."""
        self.parts.append(Part(round(time.monotonic() - self.start, 2), done.model, done.set, done.answers))

    def write(self, folder: Folder, engines: int) -> None:
        """Leave the pace in the evaluation's folder."""
        write_record(folder, FILE, Pace(tuple(self.parts), engines))
