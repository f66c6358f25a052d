"""What one call of synthesis did: counted while it runs, left as `synth.json`, read by plan, report and benchmarks."""

import time
from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa

from polydistill.engine.config import Stage
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.shards import Folder

FILE = "synth.json"


@dataclass
class StageFigures:
    """What one stage has done since the start of the run."""

    units: int = 0  # finished
    rows: int = 0  # rows out
    tokens: int = 0  # tokens generated, where the stage counts them
    seconds: float = 0.0  # busy time, summed over its actors
    cpu_seconds: float = 0.0  # processor time, all threads, summed over its actors
    started: int = 0  # units begun, finished or not
    first: float | None = None  # seconds from the start of the run to the first unit begun
    last: float = 0.0  # seconds from the start of the run to the last unit finished
    reasons: dict[str, int] = field(default_factory=dict)  # why rows have no whole answer of the student -> rows


@dataclass(frozen=True)
class StageRecord:
    """One stage's figures and the pool of actors that made them."""

    figures: StageFigures
    actors: int
    cpus: float  # of each actor
    gpus: float  # of each actor

    @classmethod
    def of(cls, figures: StageFigures, pool: Stage) -> "StageRecord":
        """The figures of a stage with its placed pool."""
        return cls(figures, pool.actors or 1, pool.cpus or 0.0, pool.gpus or 0.0)


@dataclass(frozen=True)
class SynthesisRecord:
    """The figures of one call of synthesis (`synth.json`)."""

    fingerprint: str  # of the run
    prompts: int  # usable rows of the sources
    targets: list[str]
    units: int = 0  # committed by this call
    rows: int = 0  # pool rows committed by this call
    kept: int = 0
    failed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)  # "field:reason" -> rows
    curve: list[tuple[float, int]] = field(default_factory=list)  # (seconds, pool rows so far)
    stages: dict[str, StageRecord] = field(default_factory=dict)
    format: int = 2


@dataclass
class Tally:
    """The same counts while the run goes on."""

    units: int = 0
    rows: int = 0
    kept: int = 0
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    curve: list[tuple[float, int]] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def add(self, batch: pa.Table) -> None:
        """Count what has reached the driver: `engine.synthesis.actors.FIGURES` rows."""
        for row in batch.to_pylist():
            self.rows += row["rows"]
            self.kept += row["kept"]
            self.failed += row["failed"]
            self.reasons.update(dict(zip(row["reasons"], row["counts"])))
        self.units += len(set(batch["unit"].to_pylist()))
        self.curve.append((round(time.monotonic() - self.started, 2), self.rows))

    def record(
        self, fingerprint: str, prompts: int, targets: list[str], stages: dict[str, StageRecord]
    ) -> SynthesisRecord:
        """What is left in `synth.json`."""
        counts = {"units": self.units, "rows": self.rows, "kept": self.kept, "failed": self.failed}
        return SynthesisRecord(
            fingerprint, prompts, targets, **counts, reasons=dict(self.reasons), curve=self.curve, stages=stages
        )


def write_summary(folder: Folder, record: SynthesisRecord) -> None:
    """Leave the figures in the run's folder."""
    write_record(folder, FILE, record)


def read_summary(folder: Folder) -> SynthesisRecord | None:
    """The figures of the last call that had something to do; None where there was none.

    Raises:
        DamagedError: the file is damaged or of another format.
    """
    return read_record(folder, FILE, SynthesisRecord) if folder.exists(FILE) else None
