"""The run on the screen: a table of its stages on a terminal, in a log a line now and then."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from polydistill.engine.progress import Display, duration
from polydistill.engine.synthesis.summary import StageFigures, Tally


@dataclass(frozen=True)
class Seen:
    """What the stages do at one moment."""

    figures: dict[str, StageFigures] | None = None  # None: they cannot be had at the moment
    ready: dict[str, int] = field(default_factory=dict)  # stage -> actors whose models are loaded


class LiveTable:
    """Shows the run until it is closed, from the first second on.

    Args:
        units: number of units of this call.
        pools: stage -> number of its actors, in the data's order.
        look: returns what the stages do.
        tally: what has reached the driver.
        interval: seconds until the first line of a log.
    """

    def __init__(
        self,
        units: int,
        pools: dict[str, int],
        look: Callable[[], Seen],
        tally: Tally,
        interval: float = 60.0,
    ) -> None:
        self._units, self._pools, self._look, self._tally = units, pools, look, tally
        self._known: dict[str, StageFigures] = {name: StageFigures() for name in pools}
        self._ready: dict[str, int] = {}
        self._start = time.monotonic()
        self._basis: tuple[float, int] | None = None  # when units were first done, and how many
        self._display = Display(self.line, self._table, interval)

    def close(self) -> None:
        """Leave the last state on the screen."""
        self._display.close(worth=True)

    def _ask(self) -> None:
        seen = self._look()
        self._known = seen.figures or self._known
        for name, actors in self._pools.items():  # actors that have nothing left to do are gone
            worked = actors if self._known[name].units else 0
            self._ready[name] = max(self._ready.get(name, 0), seen.ready.get(name, 0), worked)
        if self._tally.units and self._basis is None:
            self._basis = time.monotonic(), self._tally.units

    def line(self) -> str:
        """The state in one line."""
        self._ask()
        return f"synth: {self._state()}"

    def _state(self) -> str:
        tally, now = self._tally, time.monotonic()
        seconds = max(now - self._start, 1e-9)
        units = f"{tally.units}/{self._units} units"
        if not tally.units:
            doing = [self._loading(), *(self._stage(name) for name in self._pools if self._known[name].rows)]
            return ", ".join(filter(None, [units, *doing, duration(seconds)]))
        parts = [
            f"{units} ({tally.units / self._units:.0%})",
            f"{tally.rows:,} pool rows",
            f"{tally.rows / seconds:,.0f} rows/s",
            f"{tally.kept:,} kept{self._dropped()}",
            *self._cut(),
            duration(seconds),
        ]
        if self._basis and self._basis[1] < tally.units < self._units:
            each = (now - self._basis[0]) / (tally.units - self._basis[1])
            parts.append(f"{duration(each * (self._units - tally.units))} left")
        return ", ".join(parts)

    def _loading(self) -> str:
        ready, wanted = sum(self._ready.values()), sum(self._pools.values())
        return f"loading models ({ready} of {wanted} ready)" if ready < wanted else ""

    def _stage(self, name: str) -> str:
        return f"{name} {self._known[name].rows:,} rows"

    def _dropped(self) -> str:
        dropped = ", ".join(f"{name} {count:,}" for name, count in self._tally.reasons.most_common(3))
        return f" (dropped: {dropped})" if dropped else ""

    def _cut(self) -> list[str]:
        generate = self._known.get("generate")
        cut = ", ".join(f"{name} {count:,}" for name, count in generate.reasons.items()) if generate else ""
        return [f"own answers cut or missing: {cut}"] if cut else []

    def _table(self) -> Any:
        from rich.console import Group
        from rich.table import Table

        self._ask()
        seconds = max(time.monotonic() - self._start, 1e-9)
        table = Table(box=None, pad_edge=False)
        for column in ("stage", "models", "units done", "waiting", "rows/s", "tokens/s", "busy"):
            table.add_column(column, justify="left" if column in ("stage", "models") else "right")
        before = self._units
        for name, actors in self._pools.items():
            stage, ready = self._known[name], self._ready.get(name, 0)
            busy = min(stage.seconds / (seconds * actors), 1.0)
            tokens = f"{stage.tokens / seconds:,.0f}" if stage.tokens else ""
            waiting, rate = max(before - stage.units, 0), f"{stage.rows / seconds:,.0f}"
            loaded = "loading" if not ready else "ready" if ready >= actors else f"{ready} of {actors} ready"
            table.add_row(name, loaded, f"{stage.units}", f"{waiting}", rate, tokens, f"{busy:.0%}")
            before = stage.units
        return Group(table, f"synth: {self._state()}")
