import math

import pytest

from benchmarks.gpu.check import Check, Figure, Outcome


@pytest.mark.parametrize(
    ("value", "limits", "met"),
    [
        (0.5, {"at_least": 0.5}, True),
        (0.49, {"at_least": 0.5}, False),
        (1.2, {"at_most": 1.25, "at_least": 0.75}, True),
        (1.3, {"at_most": 1.25, "at_least": 0.75}, False),
        (math.nan, {"at_most": 1}, False),
        (math.nan, {"at_least": 1}, False),
        (math.nan, {}, True),
    ],
)
def test_limits(value, limits, met):
    assert Figure("x", value, **limits).met is met


def test_a_figure_says_its_limits():
    assert str(Figure("MFU", 0.512, at_least=0.5)) == "MFU 0.512 (≥ 0.5)"
    assert str(Figure("speed", 12_345.6, "rows/s")) == "speed 12,346 rows/s"
    assert str(Figure("memory", 1.5, "GiB", at_most=2, at_least=1)) == "memory 1.5 GiB (≥ 1, ≤ 2)"


def test_an_outcome_names_the_figures_that_missed():
    good, bad = Figure("a", 1, at_most=2), Figure("b", 3, at_most=2)
    assert Outcome.of("x", [good]) == Outcome("x", "PASS", (good,))
    assert Outcome.of("x", [good, bad]) == Outcome("x", "FAIL", (good, bad), "b 3 (≤ 2)")
    assert Outcome.of("x", []).verdict == "FAIL"


def test_a_check_loads_its_function():
    assert Check("x", "", "math:sqrt", 1).load() is math.sqrt
