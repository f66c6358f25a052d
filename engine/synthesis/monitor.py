"""Watching a run: one small actor that every stage tells what it does, and what the driver makes of it.

The same figures go to Prometheus through Ray's metrics (`polydistill_*`), for runs that are watched from outside.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from polydistill.engine.progress import duration
from polydistill.engine.synthesis.placement import STAGES

CRASHES = 3
"""A unit whose stage has died with its process so many times is given up: its rows get the error."""


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

    def end(self, stage: str, unit: int, rows: int, seconds: float, tokens: int = 0, cpu_seconds: float = 0.0) -> None:
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
        self.metrics.count(stage, rows, tokens, seconds)
        figures.last = time.monotonic() - self.created
        if figures.first is None:
            figures.first = figures.last - seconds

    def figures(self) -> dict[str, StageFigures]:
        """All counters."""
        return self.stages


class LiveTable:
    """The run as a table on the terminal; in a log, a line every ten seconds."""

    def __init__(self, units: int, pools: dict[str, int]) -> None:
        import sys

        from rich.console import Console
        from rich.live import Live

        self._units, self._pools = units, pools
        self._start = time.monotonic()
        self._console = Console(stderr=True)
        self._tty = sys.stderr.isatty()
        self._live = Live(console=self._console, refresh_per_second=2, transient=False) if self._tty else None
        self._last = self._start
        if self._live:
            self._live.start()

    def show(self, figures: dict[str, StageFigures], summary: dict[str, Any]) -> None:
        """Redraw. `summary`: units (done), rows, kept, reasons (reason -> rows)."""
        if self._live:
            self._live.update(self._table(figures, summary))
        elif time.monotonic() - self._last >= 10:
            self._last = time.monotonic()
            self._console.print(self._line(summary), soft_wrap=True, highlight=False)

    def close(self, summary: dict[str, Any]) -> None:
        """Leave the last state on the screen."""
        if self._live:
            self._live.stop()
        self._console.print(self._line(summary), soft_wrap=True, highlight=False)

    def _line(self, summary: dict[str, Any]) -> str:
        seconds = time.monotonic() - self._start
        done = summary["units"]
        left = f", {duration(seconds / done * (self._units - done))} left" if 0 < done < self._units else ""
        dropped = ", ".join(f"{name} {count:,}" for name, count in _top(summary["reasons"], 3))
        rate = summary["rows"] / seconds
        return (
            f"synth: {done}/{self._units} units, {summary['rows']:,} pool rows, {rate:,.0f} rows/s, "
            f"{summary['kept']:,} kept{f' (dropped: {dropped})' if dropped else ''}, {duration(seconds)}{left}"
        )

    def _table(self, figures: dict[str, StageFigures], summary: dict[str, Any]) -> Any:
        from rich.console import Group
        from rich.table import Table

        seconds = max(time.monotonic() - self._start, 1e-9)
        table = Table(box=None, pad_edge=False)
        for column in ("stage", "units", "waiting", "rows/s", "tokens/s", "busy"):
            table.add_column(column, justify="left" if column == "stage" else "right")
        before = self._units
        for name, actors in self._pools.items():
            stage = figures[name]
            busy = min(stage.seconds / (seconds * actors), 1.0)
            tokens = f"{stage.tokens / seconds:,.0f}" if stage.tokens else ""
            waiting = max(before - stage.units, 0)
            table.add_row(name, f"{stage.units}", f"{waiting}", f"{stage.rows / seconds:,.0f}", tokens, f"{busy:.0%}")
            before = stage.units
        return Group(table, self._line(summary))


def _top(counts: dict[str, int], most: int) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])[:most]
