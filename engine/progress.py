"""Progress of long work: rate and time left, on a terminal as a bar, elsewhere as a line now and then."""

import time

from polydistill.engine import screen


class Progress:
    """Counts towards `total` and prints `label: done/total unit, rate, time left`.

    On a terminal the line is rewritten up to twice a second; in a log a new line appears every `interval` seconds.
    """

    def __init__(self, label: str, total: int | None, unit: str = "rows", interval: float = 60.0) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.done, self.note = 0, ""
        self._start = time.monotonic()
        self._tty = screen.is_terminal()
        self._interval = 0.5 if self._tty else interval
        self._last = self._start

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count `count` more; `note` is shown behind the figures (a loss, a drop count)."""
        self.done += count
        self.note = note or self.note
        if time.monotonic() - self._last >= self._interval:
            self._print()

    def close(self) -> None:
        """Print the last state, if anything was done."""
        if not self.done:
            return
        self._print()
        if self._tty and not screen.is_quiet():
            print(file=screen.stream())

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _print(self) -> None:
        self._last = time.monotonic()
        if screen.is_quiet():
            return
        seconds = max(self._last - self._start, 1e-9)
        rate = self.done / seconds
        of = f"/{self.total:,}" if self.total else ""
        left = (
            f", {duration((self.total - self.done) / rate)} left" if self.total and 0 < self.done < self.total else ""
        )
        note = f"  {self.note}" if self.note else ""
        speed = f"{rate:,.1f}/s" if rate >= 0.1 else f"one in {duration(1 / rate)}" if rate else "none yet"
        text = f"{self.label}: {self.done:,}{of} {self.unit}, {speed}, {duration(seconds)}{left}{note}"
        print(
            f"\r\033[K{text}" if self._tty else text,
            end="" if self._tty else "\n",
            file=screen.stream(),
            flush=True,
        )


def duration(seconds: float) -> str:
    """1h02m, 3m05s or 7s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
