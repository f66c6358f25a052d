"""Where a threshold stands in a histogram."""

from polydistill.engine.synthesis.reporting.plots import WIDTH, histogram, position


def test_marks_stand_where_their_value_is() -> None:
    edges = [0.125, 0.25, 0.5, 1.0, 2.0]
    assert position(0.5, edges) == WIDTH / 2
    assert (position(0.01, edges), position(9, edges)) == (0, WIDTH)
    assert 'x1="225.0"' in histogram([1, 0, 2, 3], edges, "x", [1.0])
