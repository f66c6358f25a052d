"""One bad row must not cost its unit, and one hanging call must not cost the run.

A guarded stage tries a failing batch again, then halves it until the rows that fail stand alone; those leave with
their error instead of a result, all others as if nothing had happened.
"""

import os
import threading
from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec

import pyarrow as pa

from polydistill.engine.errors import UserError

P = ParamSpec("P")
"""What a stage needs in addition to its rows, the same for every row: the translation stage its target languages."""


def _device_is_lost(error: Exception) -> bool:
    """Whether every further call of this process would fail: CUDA's errors stay with the process. Memory does not."""
    name, text = type(error).__name__, str(error)
    return name != "OutOfMemoryError" and (name == "AcceleratorError" or "CUDA error" in text)


class Guarded(Generic[P]):
    """A stage with retries, isolation of bad rows and a time limit.

    Args:
        make: Builds the stage (loads its model): rows in, rows out. Called again after a hang, since the old one may
            be stuck.
        failed: Makes the output for rows that the stage could not handle: (input rows, message, ...) -> output rows.
        retries: Further attempts on a batch before it is halved.
        timeout: Seconds for one call; halves get half of it, but at least a minute or the whole of a shorter one.

    Raises (from calls):
        UserError: passed through at once, since it concerns the configuration and not a row.
        OSError: passed through at once (a full disk is not a row's fault).
    """

    def __init__(
        self,
        make: Callable[[], Callable[Concatenate[pa.Table, P], pa.Table]],
        failed: Callable[Concatenate[pa.Table, str, P], pa.Table],
        retries: int,
        timeout: float,
    ) -> None:
        self._make, self.failed, self._retries, self._timeout = make, failed, retries, timeout
        self._stage = make()
        self.split = False
        """Whether the last call had to halve its batch."""
        self.hung = False
        """Whether a call has hung. Its thread cannot be ended from outside; a fresh process should take over."""

    @property
    def stage(self) -> Callable[Concatenate[pa.Table, P], pa.Table]:
        """The stage itself; another one after a hang."""
        return self._stage

    def __call__(self, table: pa.Table, *context: P.args, **options: P.kwargs) -> pa.Table:
        """The stage's output for all rows of `table`, in order; rows that failed have their error in it."""
        self.split, self._hangs = False, 0
        return self._attempt(table, self._timeout, self._retries, *context, **options)

    def _attempt(
        self, table: pa.Table, timeout: float, retries: int, /, *context: P.args, **options: P.kwargs
    ) -> pa.Table:
        error: Exception | None = None
        for _ in range(retries + 1):
            try:
                return self._call(table, timeout, *context, **options)
            except (UserError, OSError) as fatal:
                if not isinstance(fatal, TimeoutError):
                    raise
                error = fatal
            except Exception as caught:
                if _device_is_lost(caught):
                    os._exit(1)  # Ray gives this unit to a fresh process; see `engine.synthesis.monitor.CRASHES`
                error = caught
        if table.num_rows <= 1:
            return self.failed(table, f"{type(error).__name__}: {error}", *context, **options)
        if self._hangs > 2 * table.num_rows.bit_length():
            message = f"{error}; given up after {self._hangs} calls that hung"
            return self.failed(table, message, *context, **options)
        self.split = True
        middle = table.num_rows // 2
        shorter = max(timeout / 2, min(timeout, 60.0))
        halves = [table.slice(0, middle), table.slice(middle)]
        parts = [self._attempt(half, shorter, 0, *context, **options) for half in halves]
        return pa.concat_tables(parts, promote_options="default")  # rows that failed lack columns that may be null

    def _call(self, table: pa.Table, timeout: float, /, *context: P.args, **options: P.kwargs) -> pa.Table:
        result: list[Any] = []
        stage = self._stage

        def work() -> None:
            try:
                result.append(stage(table, *context, **options))
            except BaseException as error:
                result.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(timeout)
        if not result:
            self.hung = True
            self._hangs += 1
            self._stage = self._make()
            raise TimeoutError(f"no result within {timeout:.0f} s")
        if isinstance(result[0], BaseException):
            raise result[0]
        return result[0]
