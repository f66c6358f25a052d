"""Watching a run: one small actor that every stage tells what it does.

The same figures go to Prometheus through Ray's metrics (`polydistill_*`), for runs that are watched from outside.
"""

import time
from collections import Counter
from dataclasses import dataclass, field

from polydistill.engine.synthesis.placement import STAGES
from polydistill.engine.synthesis.summary import StageFigures

CRASHES = 3
"""Maximum deaths of a unit's process in one stage. Then the unit is given up, and its rows get the error."""


class Prometheus:
    """The same figures as Ray metrics, which Ray exports on the metrics port of the node that this runs on."""

    def __init__(self) -> None:
        from ray.util.metrics import Counter, Histogram

        keys = ("stage",)
        self._rows = Counter("polydistill_rows", "Rows that left a stage", tag_keys=keys)
        self._tokens = Counter("polydistill_tokens", "Tokens that a stage generated", tag_keys=keys)
        self._seconds = Histogram(
            "polydistill_unit_seconds", "Seconds for one unit", boundaries=[0.1, 1, 10, 60, 600], tag_keys=keys
        )

    def count(self, stage: str, rows: int, tokens: int, seconds: float) -> None:
        """One unit done."""
        tags = {"stage": stage}
        for counter, value in ((self._rows, rows), (self._tokens, tokens)):
            if value:
                counter.inc(value, tags=tags)
        self._seconds.observe(seconds, tags=tags)


@dataclass
class Monitor:
    """Counters of all stages. It runs as a Ray actor on the driver's node (see `engine.synthesis.pipeline`)."""

    stages: dict[str, StageFigures] = field(default_factory=lambda: {name: StageFigures() for name in STAGES})
    running: dict[tuple[str, int], int] = field(default_factory=dict)  # (stage, unit) -> attempts without an end
    created: float = field(default_factory=time.monotonic)
    metrics: Prometheus = field(default_factory=Prometheus)

    def begin(self, stage: str, unit: int) -> int:
        """A stage starts on a unit; returns how often it has started on it without finishing."""
        self.running[stage, unit] = self.running.get((stage, unit), 0) + 1
        figures = self.stages[stage]
        figures.started += 1
        if figures.first is None:
            figures.first = time.monotonic() - self.created
        return self.running[stage, unit]

    def end(
        self,
        stage: str,
        unit: int,
        rows: int,
        seconds: float,
        tokens: int = 0,
        cpu_seconds: float = 0.0,
        reasons: dict[str, int] | None = None,
    ) -> None:
        """A stage has finished a unit. Where it did not `begin` it (generation), `seconds` says when that was.

        Units that were worked on at the same time then count several times in the stage's busy time.
        """
        self.running.pop((stage, unit), None)
        figures = self.stages[stage]
        figures.units += 1
        figures.rows += rows
        figures.tokens += tokens
        figures.seconds += seconds
        figures.cpu_seconds += cpu_seconds
        figures.reasons = dict(Counter(figures.reasons) + Counter(reasons or {}))
        self.metrics.count(stage, rows, tokens, seconds)
        figures.last = time.monotonic() - self.created
        if figures.first is None:
            figures.first = figures.last - seconds

    def figures(self) -> dict[str, StageFigures]:
        """All counters."""
        return self.stages
