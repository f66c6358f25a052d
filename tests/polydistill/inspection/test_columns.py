from hypothesis import given
from hypothesis import strategies as st

from polydistill.inspection.columns import columns, reasons


def test_text_is_left_and_figures_are_right():
    assert columns(["name", "rows"], [["a", "5"], ["long one", "1,200"]]) == [
        "name       rows",
        "a             5",
        "long one  1,200",
    ]


@given(st.dictionaries(st.sampled_from(["copied", "error", "too_long", "empty"]), st.integers(1, 10**6)))
def test_every_reason_is_there_the_most_frequent_first(counts):
    parts = [part.rsplit(" ", 1) for part in reasons(counts).split(", ")] if counts else []
    numbers = [int(number.replace(",", "")) for _, number in parts]
    assert {name: number for (name, _), number in zip(parts, numbers)} == counts
    assert numbers == sorted(numbers, reverse=True)
