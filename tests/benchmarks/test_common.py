import os

import pytest

from benchmarks import common


def test_paired_compares_rates_of_alternating_calls():
    calls = []

    def work(name, seconds):
        def run():
            calls.append(name)
            return seconds

        return run

    row = common.paired(
        "sleeping",
        work("a", 0.01),
        work("b", 0.03),
        against="a longer sleep",
        goal=2,
        amount=10,
        unit="naps/s",
        repeats=4,
    )
    assert calls == list("ab" + "ab" + "ba" + "ab" + "ba")
    assert row["ratio"] == pytest.approx(3) and row["met"]
    assert row["median"] == {"ours": pytest.approx(1000), "reference": pytest.approx(1000 / 3), "unit": "naps/s"}
    assert row["signature"]["settings"] == {"pairs": 4, "amount": 10}


def test_seconds_that_the_work_measured_itself_count():
    row = common.paired(
        "x", lambda: 2.0, lambda: 4.0, against="y", goal=2, amount=8, unit="rows/s", repeats=1, warm=False
    )
    assert row["ratio"] == 2 and row["met"] and row["median"] == {"ours": 4, "reference": 2, "unit": "rows/s"}


def test_ratio_takes_the_median_of_pairs_and_goals_work_both_ways():
    row = common.ratio("x", [1, 9, 4], [1, 3, 2], against="y", goal=2, unit="s", at_most=True, packages=["pyarrow"])
    assert row["ratio"] == 2 and row["spread"] == [1, 3] and row["met"]
    assert row["signature"]["versions"].keys() == {"python", "polydistill", "pyarrow"}
    assert not common.ratio("x", [1], [1], against="y", goal=2, unit="s")["met"]


def test_value_is_compared_with_its_goal():
    row = common.value("fill", [0.9995], goal=0.999, unit="share")
    assert row["met"] and row["ratio"] == pytest.approx(0.9995 / 0.999) and row["goal"] == 0.999
    assert not common.value("memory", [1.3], goal=1.2, unit="x", at_most=True)["met"]


def test_hardware_says_cpu_cores_and_memory():
    found = common.hardware()
    assert found["cpu"] and found["cores"] >= 1 and found["memory_gib"] >= 1


def test_work_without_a_figure_is_timed_as_a_whole():
    assert 0 < common.seconds(lambda: None) < 60
    assert common.seconds(lambda: 1.5) == 1.5


def counting(start: int):
    calls = iter(range(start, start + 10))
    return lambda: float(next(calls)) + os.getpid()


def failing():
    return lambda: 1 / 0


def test_work_elsewhere_is_done_in_one_other_process():
    with common.elsewhere(counting, 5) as work:
        first = work()
        assert work() == first + 1 and first != 5 + os.getpid()
    with common.elsewhere(failing) as work, pytest.raises(EOFError):
        work()
