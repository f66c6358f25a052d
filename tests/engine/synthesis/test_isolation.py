import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.engine.synthesis.isolation import Guarded


def table(rows: list[int]) -> pa.Table:
    return pa.table({"row": pa.array(rows, pa.int64())})


def failed(part: pa.Table, message: str) -> pa.Table:
    return part.append_column("out", pa.array([message] * part.num_rows, pa.string()))


def stage_failing_on(bad: set[int]):
    def stage(part: pa.Table) -> pa.Table:
        rows = part["row"].to_pylist()
        if bad & set(rows):
            raise RuntimeError("bad row")
        return part.append_column("out", pa.array([str(row) for row in rows], pa.string()))

    return lambda: stage


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))))
def test_only_bad_rows_carry_the_error(case):
    size, bad = case
    out = Guarded(stage_failing_on(bad), failed, retries=0, timeout=60)(table(list(range(size))))
    assert out["row"].to_pylist() == list(range(size))
    assert out["out"].to_pylist() == ["RuntimeError: bad row" if i in bad else str(i) for i in range(size)]


def test_a_passing_fault_is_tried_again():
    calls = []

    def stage(part: pa.Table) -> pa.Table:
        calls.append(part.num_rows)
        if len(calls) == 1:
            raise RuntimeError("once")
        return part.append_column("out", pa.array(["ok"] * part.num_rows))

    out = Guarded(lambda: stage, failed, retries=1, timeout=60)(table([1, 2]))
    assert out["out"].to_pylist() == ["ok", "ok"] and calls == [2, 2]


def test_a_hanging_row_is_isolated_and_the_stage_rebuilt():
    made = []

    def make():
        made.append(1)

        def stage(part: pa.Table) -> pa.Table:
            if 3 in part["row"].to_pylist():
                time.sleep(30)
            return part.append_column("out", pa.array(["ok"] * part.num_rows))

        return stage

    guarded = Guarded(make, failed, retries=0, timeout=0.2)
    out = guarded(table([1, 2, 3, 4]))
    assert [text.split(":")[0] for text in out["out"].to_pylist()] == ["ok", "ok", "TimeoutError", "ok"]
    assert guarded.hung and len(made) > 1


def test_when_every_row_hangs_the_unit_is_given_up():
    def stage(part: pa.Table) -> pa.Table:
        time.sleep(30)
        return part

    out = Guarded(lambda: stage, failed, retries=0, timeout=0.02)(table(list(range(256))))
    assert out.num_rows == 256 and all("no result within" in text for text in out["out"].to_pylist())
    assert any("given up after" in text for text in out["out"].to_pylist())


@pytest.mark.parametrize("fatal", [UserError("no such model"), OSError(28, "No space left on device")])
def test_faults_that_are_not_a_rows_stop_at_once(fatal):
    calls = []

    def stage(part: pa.Table) -> pa.Table:
        calls.append(1)
        raise fatal

    with pytest.raises(type(fatal)):
        Guarded(lambda: stage, failed, retries=3, timeout=60)(table([1, 2]))
    assert len(calls) == 1


class AcceleratorError(RuntimeError):
    """As torch calls it."""


class OutOfMemoryError(RuntimeError):
    """As torch calls it."""


@pytest.mark.parametrize(
    ("error", "leaves"),
    [
        (AcceleratorError("CUDA error: an illegal memory access was encountered"), True),
        (RuntimeError("CUDA error: device-side assert triggered"), True),
        (OutOfMemoryError("CUDA out of memory. CUDA error: out of memory"), False),
        (RuntimeError("bad row"), False),
    ],
)
def test_a_lost_device_ends_the_process_instead_of_failing_every_row(monkeypatch, error, leaves):
    """CUDA's errors stay with the process: each further call would fail, and good rows would be committed as errors."""

    def stage(part: pa.Table) -> pa.Table:
        raise error

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr("polydistill.engine.synthesis.isolation.os._exit", leave)
    guarded = Guarded(lambda: stage, failed, retries=0, timeout=60)
    if leaves:
        with pytest.raises(SystemExit):
            guarded(table([0, 1]))
    else:
        assert guarded(table([0]))["out"].to_pylist() == [f"{type(error).__name__}: {error}"]
