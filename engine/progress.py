"""Progress of long work, drawn by a timer: on a terminal twice a second, elsewhere as a line now and then."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from polydistill.engine import screen

_TERMINAL_SECONDS = 0.5  # between two drawings
_LOG_SECONDS = 60.0  # until the first line of a log
_WORTH = 5.0  # seconds after which finished work deserves a line
_taken = threading.Lock()
"""Held by the display that is on the screen."""


def pauses(first: float = _LOG_SECONDS) -> Iterator[float]:
    """Seconds between the lines of a log: a line a minute, and of long work a line in ten minutes at last.

    Args:
        first: the shortest pause.
    """
    start = time.monotonic()
    while True:
        yield min(max(first, (time.monotonic() - start) / 2), 10 * first)


class Display:
    """Something that changes, on the screen until it is closed.

    One that begins while another is there stays invisible: its work is a part of the other's.

    Args:
        line: the state in one line.
        picture: the state as rich draws it on a terminal.
        interval: seconds until the first line of a log.
    """

    def __init__(self, line: Callable[[], str], picture: Callable[[], Any], interval: float = _LOG_SECONDS) -> None:
        self._line, self._picture, self._pauses = line, picture, pauses(interval)
        self._start, self._live, self._drawn = time.monotonic(), None, False
        self._visible = not screen.is_quiet() and _taken.acquire(blocking=False)
        self._closed = threading.Event()
        if self._visible:
            self._live = _live() if screen.is_terminal() else None
            self._thread = threading.Thread(target=self._draw, daemon=True)
            self._thread.start()

    def close(self, worth: bool | None = None) -> None:
        """Stop drawing. One line stays.

        Args:
            worth: whether it stays. Default: where the work was seen before, or took some seconds.
        """
        if not self._visible or self._closed.is_set():
            return
        self._closed.set()
        self._thread.join()
        if self._live:
            self._live.stop()
            screen.set_above(None)
        _taken.release()
        if (self._drawn or time.monotonic() - self._start >= _WORTH) if worth is None else worth:
            print(self._line(), file=screen.stream(), flush=True)

    def _draw(self) -> None:
        while True:
            if self._live:
                self._live.update(self._picture(), refresh=True)
            if self._closed.wait(_TERMINAL_SECONDS if self._live else next(self._pauses)):
                return
            if not self._live:
                self._drawn = True
                print(self._line(), file=screen.stream(), flush=True)


def _live() -> Any:
    """rich's live display, started. It leaves sys.stdout alone, which leads to the log of the libraries."""
    from rich.console import Console
    from rich.live import Live

    console = Console(file=screen.stream())
    live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False)
    live.start()
    screen.set_above(lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True))
    return live


@dataclass(frozen=True)
class Count:
    """How far some work is."""

    done: float
    total: float | None = None  # None: not known
    note: str = ""  # shown behind the figures, e.g. a loss


class Progress:
    """Counts towards `total` and shows `label: done/total unit, rate, time, time left`.

    Args:
        label: what is done.
        total: how much there is to do, None where it is not known.
        unit: what is counted.
        interval: seconds until the first line of a log.
        poll: asked for the state before each drawing, in place of `advance`.
    """

    def __init__(
        self,
        label: str,
        total: int | None,
        unit: str = "rows",
        interval: float = _LOG_SECONDS,
        poll: Callable[[], Count] | None = None,
    ) -> None:
        self.label, self.unit = label, unit
        self.count = Count(0, total)
        self._poll, self._start = poll, time.monotonic()
        self._basis: tuple[float, float] | None = None  # when the first of it was done, and how much that was
        self._display = Display(self.line, self._picture, interval)

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count `count` more. `note` replaces the one behind the figures."""
        self.set(Count(self.count.done + count, self.count.total, note or self.count.note))

    def set(self, count: Count) -> None:
        """Replace the state."""
        self.count = count
        if count.done and self._basis is None:
            self._basis = time.monotonic(), count.done

    def close(self) -> None:
        """Leave the last state, if anything was done and it took a while."""
        self._display.close(None if self.count.done else False)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def line(self) -> str:
        """The state in one line."""
        self._ask()
        return f"{self.label}: {self._figures()}"

    def _ask(self) -> None:
        if self._poll:
            self.set(self._poll())

    def _figures(self) -> str:
        now, (done, total) = time.monotonic(), (self.count.done, self.count.total)
        seconds = max(now - self._start, 1e-9)
        of = f"/{total:,.0f}" if total else ""
        share = f" ({done / total:.0%})" if total else ""
        rate = done / seconds
        speed = f"{rate:,.1f}/s, " if rate >= 0.1 else ""
        left, basis = "", self._basis
        if total and basis and basis[1] < done < total:
            left = f", {duration((total - done) * (now - basis[0]) / (done - basis[1]))} left"
        note = f"  {self.count.note}" if self.count.note else ""
        number = f"{done:,.0f}" if done == int(done) else f"{done:,.1f}"
        return f"{number}{of} {self.unit}{share}, {speed}{duration(seconds)}{left}{note}"

    def _picture(self) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        self._ask()
        shown, total = Table.grid(padding=(0, 1)), self.count.total
        bar = [ProgressBar(total=total, completed=self.count.done, width=20)] if total else []
        shown.add_row(Text(self.label, style="bold", no_wrap=True), *bar, Text(self._figures()))
        return shown


def duration(seconds: float) -> str:
    """1h02m, 3m05s or 7s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
