"""The run on the terminal: a table of its stages that a timer draws, in a log a line now and then."""

import threading
import time
from collections.abc import Callable
from typing import Any

from polydistill.engine import screen
from polydistill.engine.progress import duration
from polydistill.engine.synthesis.summary import StageFigures, Tally

_SECONDS = 0.5  # between two drawings on a terminal
_LOG_SECONDS = 60.0  # between two lines of a log


class LiveTable:
    """Shows the run until it is closed, from the first row of any stage on.

    Args:
        units: number of units of this call.
        pools: stage -> number of its actors, in the data's order.
        figures: returns the stages' figures, or None while they cannot be had.
        tally: what has reached the driver.
    """

    def __init__(
        self,
        units: int,
        pools: dict[str, int],
        figures: Callable[[], dict[str, StageFigures] | None],
        tally: Tally,
    ) -> None:
        from rich.console import Console
        from rich.live import Live

        self._units, self._pools, self._figures, self._tally = units, pools, figures, tally
        self._known: dict[str, StageFigures] = {name: StageFigures() for name in pools}
        self._start = time.monotonic()
        self._console = Console(file=screen.stream(), quiet=screen.is_quiet())
        watched = screen.is_terminal() and not screen.is_quiet()
        self._live = Live(console=self._console, auto_refresh=False) if watched else None
        self._closed = threading.Event()
        if self._live:
            self._live.start()
        self._thread = threading.Thread(target=self._draw, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the last state on the screen."""
        self._closed.set()
        self._thread.join()
        if self._live:
            self._live.update(self._table(), refresh=True)
            self._live.stop()
        else:
            self._print()

    def _draw(self) -> None:
        while not self._closed.wait(_SECONDS if self._live else _LOG_SECONDS):
            self._known = self._figures() or self._known
            if self._live:
                self._live.update(self._table(), refresh=True)
            else:
                self._print()

    def _print(self) -> None:
        self._console.print(self._line(), soft_wrap=True, highlight=False, markup=False)

    def _line(self) -> str:
        tally, seconds = self._tally, max(time.monotonic() - self._start, 1e-9)
        working = ", ".join(f"{name} {self._known[name].rows:,} rows" for name in self._pools if self._known[name].rows)
        if not tally.units:
            return f"synth: 0/{self._units} units, {working or 'loading models'}, {duration(seconds)}"
        left = duration(seconds / tally.units * (self._units - tally.units))
        dropped = ", ".join(f"{name} {count:,}" for name, count in tally.reasons.most_common(3))
        generate = self._known.get("generate")
        cut = ", ".join(f"{name} {count:,}" for name, count in generate.reasons.items()) if generate else ""
        return (
            f"synth: {tally.units}/{self._units} units, {tally.rows:,} pool rows, {tally.rows / seconds:,.0f} rows/s, "
            f"{tally.kept:,} kept{f' (dropped: {dropped})' if dropped else ''}, "
            f"{f'own answers cut or missing: {cut}, ' if cut else ''}{duration(seconds)}"
            f"{f', {left} left' if tally.units < self._units else ''}"
        )

    def _table(self) -> Any:
        from rich.console import Group
        from rich.table import Table

        seconds = max(time.monotonic() - self._start, 1e-9)
        table = Table(box=None, pad_edge=False)
        for column in ("stage", "units", "waiting", "rows/s", "tokens/s", "busy"):
            table.add_column(column, justify="left" if column == "stage" else "right")
        before = self._units
        for name, actors in self._pools.items():
            stage = self._known[name]
            busy = min(stage.seconds / (seconds * actors), 1.0)
            tokens = f"{stage.tokens / seconds:,.0f}" if stage.tokens else ""
            waiting = max(before - stage.units, 0)
            table.add_row(name, f"{stage.units}", f"{waiting}", f"{stage.rows / seconds:,.0f}", tokens, f"{busy:.0%}")
            before = stage.units
        return Group(table, self._line())
