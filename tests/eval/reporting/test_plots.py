"""Plots are well-formed SVG, whatever names and values are."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.eval.reporting.plots import Colors, bars, colors, dots, lines, scatter
from polydistill.eval.scores import Result

NAMES = st.text(st.sampled_from("ab<>&\"'/ é"), min_size=1, max_size=8)
VALUES = st.floats(0, 100)


def row(model: str, value: float, language: str = "deu_Latn", n: int = 5) -> Result:
    return Result(model, "s", language, "target", "f1", value, max(0, value - 1), value + 1, n, True, "")


@given(st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=4), min_size=1, max_size=4), NAMES)
def test_any_names_and_values_are_well_formed(runs: dict[str, list[float]], title: str) -> None:
    drawn = ET.fromstring(dots(title, runs))
    assert len(list(drawn.iter("circle"))) == sum(map(len, runs.values()))
    assert len(list(ET.fromstring(lines(title, runs, colors(list(runs)))).iter("polyline"))) == len(runs)
    barred = ET.fromstring(bars(title, [row(name, values[0]) for name, values in runs.items()], {"deu_Latn": 3.0}))
    assert len(list(barred.iter("rect"))) >= len(runs)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=5))
def test_points_stay_inside_their_frame(points: list[tuple[float, float]]) -> None:
    circles = ET.fromstring(scatter("t", {"deu_Latn": points})).iter("circle")
    places = [(float(circle.get("cx", "nan")), float(circle.get("cy", "nan"))) for circle in circles]
    assert len(places) == len(points) and all(0 <= place <= 300 for pair in places for place in pair)


def test_bars_are_as_high_as_their_values() -> None:
    rects = list(ET.fromstring(bars("t", [row("a", 20), row("b", 40)])).iter("rect"))
    low, high = (float(rect.get("height", "nan")) for rect in rects)
    assert high == pytest.approx(2 * low, rel=0.01)
    assert bars("t", [row("a", 20, n=0)]) == ""


def test_runs_of_an_arm_share_a_color_and_the_ninth_arm_is_paler() -> None:
    names = [f"arm{i}/seed{j}" for i in range(9) for j in range(2)]
    found = colors(names)
    assert found["arm3/seed0"] == found["arm3/seed1"] == Colors[3]
    assert len({found[name] for name in names}) == 9 and found["arm8/seed0"] == "#cccccc"
