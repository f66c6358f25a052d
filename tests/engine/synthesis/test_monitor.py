"""The monitor counts what stages tell it, and knows a unit that keeps killing its process."""

from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.synthesis.monitor import CRASHES, Monitor


class Recorded:
    """Stands in for Ray's metrics, which need a Ray runtime."""

    def __init__(self) -> None:
        self.rows = 0

    def count(self, stage: str, rows: int, tokens: int, seconds: float) -> None:
        self.rows += rows


def monitor() -> Monitor:
    return Monitor(metrics=Recorded())  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.sampled_from(["translate", "judge"]), st.integers(0, 3), st.integers(0, 50)), max_size=20))
def test_figures_add_up_by_stage(events: list[tuple[str, int, int]]) -> None:
    watched = monitor()
    for stage, unit, rows in events:
        assert watched.begin(stage, unit) == 1  # a unit that was finished counts from the start again
        watched.end(stage, unit, rows, 0.5, tokens=2 * rows, cpu_seconds=0.25, reasons={"length": rows})
    for stage in ("translate", "judge"):
        own, figures = [rows for name, _, rows in events if name == stage], watched.figures()[stage]
        assert (figures.started, figures.units) == (len(own), len(own))
        assert (figures.rows, figures.tokens) == (sum(own), 2 * sum(own))
        assert (figures.seconds, figures.cpu_seconds) == (0.5 * len(own), 0.25 * len(own))
        assert figures.reasons.get("length", 0) == sum(own)
    assert watched.metrics.rows == sum(rows for _, _, rows in events)  # type: ignore[attr-defined]


def test_attempts_count_up_until_a_unit_is_finished() -> None:
    watched = monitor()
    assert [watched.begin("judge", 7) for _ in range(CRASHES + 1)] == list(range(1, CRASHES + 2))
    assert watched.begin("judge", 8) == 1 and watched.begin("translate", 7) == 1  # others are others
    watched.end("judge", 7, 1, 0.1)
    assert watched.begin("judge", 7) == 1


def test_a_stage_without_a_begin_started_when_its_seconds_say() -> None:
    watched = monitor()
    assert watched.figures()["generate"].first is None
    watched.end("generate", 0, 5, seconds=3.0)
    figures = watched.figures()["generate"]
    assert figures.first is not None and abs(figures.last - figures.first - 3.0) < 1e-6
    before = figures.first
    watched.end("generate", 1, 5, seconds=1.0)
    assert figures.first == before and figures.last >= 0
