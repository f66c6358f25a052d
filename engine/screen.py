"""The screen: what a user sees while a command works. Meanwhile the output of other libraries goes to a log file.

Everything that the project tells the user while it works goes through `stream()`. Libraries write to the file
descriptors 1 and 2, or to `sys.stdout` and `sys.stderr`. Inside `logged` these four lead to the log file, and
`stream()` still leads to the terminal.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

_terminal: TextIO | None = None
_results: TextIO | None = None
_quiet = False
_begin = time.monotonic()
_LOG_WIDTH = 200
"""Columns of a table where no terminal says how many there are."""
_above: Callable[[str], None] | None = None
_step, _steps = 0, 0


def stream() -> TextIO:
    """Where the user looks: standard error as it was when the command began."""
    return _terminal or sys.stderr


def show(text: str) -> None:
    """Print a result on standard output as it was when the command began."""
    print(visible(text), file=_results or sys.stdout, flush=True)


_UNSAFE = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff]")
"""Characters that drive a terminal, or that change the order of the text around them."""


def visible(text: str) -> str:
    """A text from data for a terminal: control characters as escapes, line breaks and tabs as they are."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def show_rich(renderable: Any) -> None:
    """Print something of rich's on standard output as it was when the command began."""
    from rich.console import Console

    file = _results or sys.stdout
    Console(file=file, width=None if file.isatty() else _LOG_WIDTH).print(renderable)


def is_terminal() -> bool:
    """Whether a person watches. Elsewhere lines come rarely, and are never rewritten."""
    return stream().isatty()


def set_quiet(quiet: bool) -> None:
    """Switch `phase` and progress off. Results and errors are still shown."""
    global _quiet
    _quiet = quiet


def is_quiet() -> bool:
    """Whether the user wants results and errors only."""
    return _quiet


def elapsed() -> float:
    """Seconds since the command began."""
    return time.monotonic() - _begin


def set_above(write: Callable[[str], None] | None) -> None:
    """Where lines go while something is drawn below them. None: nothing is drawn any more."""
    global _above
    _above = write


def phase(text: str) -> None:
    """Say what begins now, e.g. "starting Ray", with the time since the command began."""
    if not _quiet:
        minutes, seconds = divmod(round(elapsed()), 60)
        line = visible(f"[{minutes:02}:{seconds:02}] {text}")
        if _above:
            _above(line)
        else:
            print(line, file=stream(), flush=True)


def set_steps(count: int) -> None:
    """How many steps this command has. `step` numbers them from now on."""
    global _step, _steps
    _step, _steps = 0, count


def step(text: str) -> None:
    """A step of the command begins: a phase with its number, e.g. "step 2 of 6: mixing"."""
    global _step
    _step += 1
    phase(f"step {_step} of {_steps}: {text}" if _step <= _steps else text)


@contextmanager
def logged(folder: str | Path) -> Iterator[None]:
    """Send the output of libraries to `folder`/logs/output.log. Where that cannot be written, nothing changes.

    Args:
        folder: a local folder, usually the run's. It is made where it does not exist.
    """
    global _terminal, _results
    file = None
    if _terminal is None and "://" not in str(folder):
        with suppress(OSError):
            path = Path(folder) / "logs" / "output.log"
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115
    if file is None:
        yield
        return
    sys.stdout.flush()
    sys.stderr.flush()
    out, error = os.dup(1), os.dup(2)
    before = sys.stdout, sys.stderr
    _terminal = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace", buffering=1)
    _results = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace", buffering=1)
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
    sys.stdout = sys.stderr = file
    try:
        yield
    finally:
        file.flush()
        os.dup2(out, 1)
        os.dup2(error, 2)
        os.close(out)
        os.close(error)
        sys.stdout, sys.stderr = before
        opened = _terminal, _results
        _terminal = _results = None
        for each in opened:
            each.close()
        # The file stays open: handlers that libraries made meanwhile still hold it.
